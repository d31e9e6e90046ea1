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
#include <unistd.h>

/* In a container only agent/ of a daemon outside may be there, with or without its socket. */
static const struct place *choose_by_agents(const struct places *places)
{
    static const char *const signs[] = {"agent/control.sock", "agent"};
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
        for (size_t j = 0; j < places->count; j++) {
            char path[PLACE_SOCKET_SIZE];
            if (place_path(&places->items[j], signs[i], path, sizeof(path)) == 0 &&
                access(path, F_OK) == 0)
                return &places->items[j];
        }
    return NULL;
}

static int choose_place(const struct invocation *invocation, struct launch *launch)
{
    struct places places;
    if (place_list(invocation, &places) < 0 || places.count == 0) {
        say("the name of the runtime directory is too long");
        return -ENAMETOOLONG;
    }
    const struct place *place = place_choose(&places);
    const struct place *by_agents = place->state == 0 ? NULL : choose_by_agents(&places);
    return launch_set_place(launch, by_agents ? by_agents : place);
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
