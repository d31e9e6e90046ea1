/* SPDX-License-Identifier: MIT */
/*
 * `memtend export`: every sample of the store, for other tools. Reads memtend.db itself, a little
 * at a time, whether a daemon runs or not.
 */
#include "export_text.h"
#include "interrupt.h"
#include "output.h"
#include "progress.h"
#include "range.h"
#include "say.h"
#include "state.h"
#include "storage/plain_file.h"
#include "verb.h"

#include <errno.h>
#include <string.h>

/* Rows between two looks at the clock. */
#define EXPORT_STRIDE 256

struct export_run {
    const struct invocation *invocation;
    char directory[PATH_MAX];
    struct sample_walk_query query;
    struct sample_walk *walk;
    struct output output;
    struct plain_file *plain; /* NULL: text */
    struct export_text text;
    struct progress progress;
    uint64_t rows;
};

static bool export_given(const struct invocation *invocation, enum option_id id)
{
    return invocation->option[id] != NULL;
}

static int export_check_format(const struct invocation *invocation)
{
    int formats = export_given(invocation, OPTION_CSV) + export_given(invocation, OPTION_JSONL) +
                  export_given(invocation, OPTION_SQLITE);
    if (formats != 1) {
        say("export takes one of --csv, --jsonl and --sqlite");
        return -EINVAL;
    }
    if (export_given(invocation, OPTION_SQLITE) && !export_given(invocation, OPTION_OUTPUT)) {
        say("--sqlite needs a file to write");
        say_try("memtend export --sqlite -o FILE");
        return -EINVAL;
    }
    return 0;
}

static int export_add_target(struct sample_walk_query *query, const char *text)
{
    struct error error = {0};
    if (query->target_count == SAMPLE_WALK_TARGETS) {
        say("export takes at most %d targets", SAMPLE_WALK_TARGETS);
        return -EINVAL;
    }
    int r = target_parse(text, &query->targets[query->target_count], &error);
    if (r < 0)
        say("%s", error.text);
    query->target_count += r == 0;
    return r;
}

static int export_check_targets(const struct invocation *invocation,
                                struct sample_walk_query *query)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < invocation->operand_count; i++) {
        char *copy = say_no_memory(strdup(invocation->operands[i])), *rest = copy, *name;
        while (r == 0 && (name = strsep(&rest, ",")))
            r = export_add_target(query, name);
        free(copy);
    }
    return r;
}

static enum exit_code export_code(int error)
{
    switch (error) {
    case -EACCES:
    case -EPERM:
        return EXIT_CODE_PERMISSION;
    case -ESRCH:
        return EXIT_CODE_GONE;
    case -EOPNOTSUPP:
        return EXIT_CODE_USAGE;
    default:
        return EXIT_CODE_FAILED;
    }
}

static enum exit_code export_open(struct export_run *run)
{
    struct error error = {0};
    bool database = export_given(run->invocation, OPTION_SQLITE);
    const struct output_request request = {
        .path = run->invocation->option[OPTION_OUTPUT],
        .replace = export_given(run->invocation, OPTION_FORCE),
        .plain_only = database,
        .state_directory = run->directory,
    };
    int r = sample_walk_new(run->directory, &run->query, &run->walk, &error);
    if (r < 0) {
        say("%s", error.text);
        if (r == -ENOENT)
            say_try("memtend export --state-dir DIR   with the daemon's own --state-dir");
        return export_code(r);
    }
    enum exit_code code = output_open(&request, &run->output);
    if (code != EXIT_CODE_OK || !database)
        return code;
    r = plain_file_new(run->output.temporary, &run->plain);
    return r < 0 ? output_fail(&run->output, r) : EXIT_CODE_OK;
}

static int export_put(struct export_run *run, const struct sample_row *row)
{
    if (run->plain)
        return plain_file_add(run->plain, row);
    int r = row ? export_text_row(&run->text, row) : export_text_head(&run->text);
    return r < 0 ? r : output_write(&run->output, run->text.line.data, run->text.line.size);
}

static enum exit_code export_rows(struct export_run *run)
{
    struct error error = {0};
    struct sample_row row;
    bool more;
    int r;
    while ((r = sample_walk_next(run->walk, &row, &more, &error)) == 0 && more) {
        if (run->rows++ % EXPORT_STRIDE == 0 && progress_is_due(&run->progress))
            progress_show(&run->progress, "exporting", sample_walk_progress(run->walk));
        r = interrupt_pending() ? -EINTR : export_put(run, &row);
        if (r < 0)
            return output_fail(&run->output, r);
    }
    if (r == 0)
        return EXIT_CODE_OK;
    progress_end(&run->progress);
    say("%s", error.text);
    return export_code(r);
}

static enum exit_code export_write(struct export_run *run)
{
    export_text_init(&run->text, export_given(run->invocation, OPTION_JSONL));
    progress_begin(&run->progress);
    int r = run->plain ? 0 : export_put(run, NULL);
    if (r < 0)
        return output_fail(&run->output, r);
    enum exit_code code = export_rows(run);
    progress_end(&run->progress);
    if (code != EXIT_CODE_OK)
        return code;
    if (run->plain) {
        r = plain_file_finish(run->plain);
        plain_file_free(STEAL(run->plain));
        if (r < 0)
            return output_fail(&run->output, r);
    }
    return output_finish(&run->output);
}

enum exit_code export_main(const struct invocation *invocation)
{
    struct export_run *run = say_no_memory(calloc(1, sizeof(*run)));
    run->invocation = invocation;
    run->output.fd = -1;
    struct range range;
    enum exit_code code = EXIT_CODE_USAGE;
    if (export_check_format(invocation) == 0 && range_read(invocation, RANGE_NO_END, &range) == 0 &&
        export_check_targets(invocation, &run->query) == 0 &&
        state_directory(invocation, run->directory, sizeof(run->directory)) == 0) {
        run->query.from_wall_usec = range.from_wall_usec;
        run->query.to_wall_usec = range.to_wall_usec;
        interrupt_catch();
        code = export_open(run);
        if (code == EXIT_CODE_OK)
            code = export_write(run);
    }
    plain_file_free(run->plain);
    output_abandon(&run->output);
    sample_walk_free(run->walk);
    free(run);
    interrupt_end();
    return code;
}
