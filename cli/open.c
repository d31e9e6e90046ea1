/* SPDX-License-Identifier: MIT */
/*
 * `memtend open`: the address of the dashboard. The token comes from the daemon's file and leaves
 * on stdout only.
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "client.h"
#include "say.h"
#include "verb.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define OPEN_ADDRESS     "127.0.0.1:6368"
#define OPEN_TOKEN_LIMIT 512

static void say_token_failure(const char *path, int error)
{
    if (error == -EACCES || error == -EPERM) {
        say("%s: only the user of the daemon may read the token", path);
        say_try("sudo memtend open");
    } else {
        say("cannot read the token %s: %s", path, strerror(-error));
        say_try("memtend open --state-dir DIR   with the daemon's own --state-dir");
    }
}

/* Caller frees; NULL after a message. */
static char *read_token(const char *directory, enum exit_code *ret_code)
{
    char path[PATH_MAX + 8];
    char *token;
    size_t length;
    snprintf(path, sizeof(path), "%s/token", directory);
    int r = file_read_all(path, OPEN_TOKEN_LIMIT, &token, &length);
    if (r < 0) {
        say_token_failure(path, r);
        *ret_code = r == -EACCES || r == -EPERM ? EXIT_CODE_PERMISSION : EXIT_CODE_FAILED;
        return NULL;
    }
    token[strcspn(token, "\r\n")] = '\0';
    if (text_is_name(token, OPEN_TOKEN_LIMIT))
        return token;
    say("%s does not hold a token", path);
    free(token);
    *ret_code = EXIT_CODE_FAILED;
    return NULL;
}

static bool is_address(const char *text)
{
    const char *colon = strrchr(text, ':');
    uint64_t port;
    return colon && colon != text && text_parse_u64(colon + 1, &port) == 0 && port > 0 &&
           port < 65536 &&
           strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:[]") ==
               strlen(text);
}

/* What was given, else what the daemon says, else the default. */
static const char *address_of(const struct invocation *invocation, struct answer *status)
{
    const char *given = invocation->option[OPTION_HTTP];
    const char *said = member_text(status->body, "http");
    if (given)
        return given;
    return is_address(said) ? said : OPEN_ADDRESS;
}

static enum exit_code print_address(const struct invocation *invocation,
                                    const struct client *client, struct answer *status)
{
    char directory[PATH_MAX];
    enum exit_code code = EXIT_CODE_OK;
    const char *said = member_text(status->body, "state_dir");
    if (place_state_directory(invocation, &client->place, directory, sizeof(directory)) < 0) {
        say("the name of the state directory is too long");
        return EXIT_CODE_USAGE;
    }
    if (!invocation->option[OPTION_STATE_DIR] && said[0] == '/')
        text_copy(directory, sizeof(directory), said);
    _cleanup_(freep) char *token = read_token(directory, &code);
    if (token)
        printf("http://%s/#token=%s\n", address_of(invocation, status), token);
    return code;
}

enum exit_code open_main(const struct invocation *invocation)
{
    struct client client = {0};
    struct answer status = {0};
    const char *given = invocation->option[OPTION_HTTP];
    if (given && !is_address(given)) {
        say("--http takes ADDR:PORT, not %s", given);
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = client_open(invocation, &client);
    if (code == EXIT_CODE_OK)
        code = client_get(&client, "/api/v1/status", &status);
    if (code == EXIT_CODE_OK)
        code = print_address(invocation, &client, &status);
    answer_finish(&status);
    client_finish(&client);
    return code;
}
