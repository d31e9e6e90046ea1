/* SPDX-License-Identifier: MIT */
#include "state.h"

#include "base/text.h"
#include "client.h"
#include "say.h"

#include <errno.h>

int state_directory(const struct invocation *invocation, char *ret_path, size_t size)
{
    struct places places;
    struct client client = {0};
    struct answer status = {0};
    int r = place_list(invocation, &places);
    if (r == 0)
        r = place_state_directory(invocation, place_choose(&places), ret_path, size);
    if (r < 0) {
        say("the name of the state directory is too long");
        return -ENAMETOOLONG;
    }
    if (invocation->option[OPTION_STATE_DIR])
        return 0;
    if (client_open_quietly(invocation, &client) == EXIT_CODE_OK &&
        client_get(&client, "/api/v1/status", &status) == EXIT_CODE_OK) {
        const char *said = member_text(status.body, "state_dir");
        if (said[0] == '/')
            text_copy(ret_path, size, said);
    }
    answer_finish(&status);
    client_finish(&client);
    return 0;
}
