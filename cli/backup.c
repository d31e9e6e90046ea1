/* SPDX-License-Identifier: MIT */
/*
 * `memtend backup` and `memtend restore`: the store as one file, and back.
 */
#include "storage/backup.h"

#include "interrupt.h"
#include "output.h"
#include "progress.h"
#include "say.h"
#include "state.h"
#include "verb.h"

#include <errno.h>
#include <limits.h>

static enum exit_code backup_say(int error, const char *text)
{
    if (error == -EINTR || error == -ETIMEDOUT) /* by a signal */
        return EXIT_CODE_FAILED;
    say("%s", text);
    return error == -EACCES || error == -EPERM ? EXIT_CODE_PERMISSION : EXIT_CODE_FAILED;
}

/* ---- out ---- */

static int backup_steps(struct backup *backup, struct error *error)
{
    struct progress progress;
    progress_begin(&progress);
    bool more = true;
    int r = 0;
    while (r == 0 && more) {
        if (progress_is_due(&progress))
            progress_show(&progress, "copying", backup_progress(backup));
        r = interrupt_pending() ? -EINTR : backup_step(backup, &more, error);
    }
    progress_end(&progress);
    return r;
}

static enum exit_code backup_write(const char *directory, struct output *output)
{
    struct backup *backup = NULL;
    struct error error = {0};
    int r = backup_new(directory, output->temporary, &backup, &error);
    if (r == 0)
        r = backup_steps(backup, &error);
    backup_free(backup);
    if (r == -ENOENT) {
        enum exit_code code = backup_say(r, error.text);
        say_try("memtend backup FILE --state-dir DIR   with the daemon's own --state-dir");
        return code;
    }
    return r < 0 ? backup_say(r, error.text) : output_finish(output);
}

enum exit_code backup_main(const struct invocation *invocation)
{
    char directory[PATH_MAX];
    if (state_directory(invocation, directory, sizeof(directory)) < 0)
        return EXIT_CODE_USAGE;
    interrupt_catch();
    struct output output;
    const struct output_request request = {.path = invocation->operands[0],
                                           .replace = invocation->option[OPTION_FORCE] != NULL,
                                           .plain_only = true,
                                           .state_directory = directory};
    enum exit_code code = output_open(&request, &output);
    if (code == EXIT_CODE_OK)
        code = backup_write(directory, &output);
    output_abandon(&output);
    interrupt_end();
    return code;
}

/* ---- and back ---- */

static int restore_steps(struct restore *restore, struct error *error)
{
    struct progress progress;
    progress_begin(&progress);
    bool more = true;
    int r = 0;
    while (r == 0 && more) {
        if (progress_is_due(&progress))
            progress_show(&progress, "copying", restore_progress(restore));
        r = interrupt_pending() ? -EINTR : restore_step(restore, &more, error);
    }
    progress_end(&progress);
    return r;
}

static enum exit_code restore_run(const char *directory, const char *file)
{
    _cleanup_(restore_freep) struct restore *restore = NULL;
    struct error error = {0};
    char aside[RESTORE_ASIDE_SIZE] = "";
    int r = restore_new(directory, file, &restore, &error);
    if (r == 0)
        r = restore_steps(restore, &error);
    if (r == 0)
        r = restore_finish(restore, interrupt_pending, aside, &error);
    if (r < 0) {
        enum exit_code code = backup_say(r, error.text);
        if (r == -EWOULDBLOCK)
            say_try("systemctl stop memtendd   and then again");
        return code;
    }
    if (aside[0])
        say_plain("restored; the database that was there is %s/%s now", directory, aside);
    else
        say_plain("restored; there was no database before");
    return EXIT_CODE_OK;
}

enum exit_code restore_main(const struct invocation *invocation)
{
    char directory[PATH_MAX];
    if (state_directory(invocation, directory, sizeof(directory)) < 0)
        return EXIT_CODE_USAGE;
    interrupt_catch();
    enum exit_code code = restore_run(directory, invocation->operands[0]);
    interrupt_end();
    return code;
}
