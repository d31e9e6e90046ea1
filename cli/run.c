/* SPDX-License-Identifier: MIT */
/*
 * `memtend run`: set the environment, become the program. Whatever happens before the exec ends
 * with 125; the exec itself with 126 or 127, as env(1) and nohup(1) do.
 */
#include "launch.h"
#include "say.h"
#include "solo.h"
#include "verb.h"

#include <errno.h>

static int choose_place(const struct invocation *invocation, struct launch *launch)
{
    struct places places;
    if (place_list(invocation, &places) < 0 || places.count == 0) {
        say("the name of the runtime directory is too long");
        return -ENAMETOOLONG;
    }
    return launch_set_place(launch, place_choose(&places));
}

/* What only a daemon of our own could heed. */
static int check_options(const struct invocation *invocation)
{
    bool solo = invocation->option[OPTION_SOLO] != NULL;
    if (solo || !(invocation->option[OPTION_HTTP] || invocation->option[OPTION_STATE_DIR]))
        return 0;
    say("--http and --state-dir are for the daemon that --solo starts");
    say_try("memtend run --help");
    return -EINVAL;
}

enum exit_code run_main(const struct invocation *invocation)
{
    struct launch launch;
    char **command = invocation->operands;
    if (check_options(invocation) < 0)
        return EXIT_CODE_RUN_FAILED;
    if (invocation->option[OPTION_SOLO])
        return solo_main(invocation);
    if (launch_prepare(invocation, &launch) < 0 || choose_place(invocation, &launch) < 0)
        return EXIT_CODE_RUN_FAILED;
    launch_note(&launch);
    return launch_failed(command[0], launch_become(&launch, command));
}
