/* SPDX-License-Identifier: MIT */
/* The rule book: arming, shadowing, commands, reload, and what a tick does. */
#include "engine/rule_book.h"

#include "base/mailbox.h"
#include "base/text.h"
#include "engine/pause.h"
#include "fake_journal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000)
#define START  (1000 * SECOND)

struct bench {
    char directory[64];
    struct journal journal;
    struct pause *pause;
    struct rule_book *book;
    struct table table;
    struct sample host;
    struct mailbox mailbox;
    struct buffer report;
    enum order_refusal answer; /* of order() */
    size_t orders;
    struct rule_order last_order;
    char last_rule[RECEIPT_RULE_SIZE];
    uint64_t now;
};

static enum order_refusal take_order(void *context, const struct rule_order *order,
                                     char ret_receipt[static RECEIPT_ID_SIZE], struct error *error)
{
    struct bench *bench = context;
    bench->orders++;
    bench->last_order = *order;
    text_copy(bench->last_rule, sizeof(bench->last_rule), order->rule);
    text_copy(ret_receipt, RECEIPT_ID_SIZE, "r-1");
    if (bench->answer != ORDER_ACCEPTED)
        error_set(error, 0, "no agent in it");
    return bench->answer;
}

static bool is_own(void *context, const struct process *process)
{
    (void)context;
    return strcmp(process->comm, "memtendd") == 0;
}

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    text_copy(bench->directory, sizeof(bench->directory), "/tmp/memtend-rule-book-XXXXXX");
    assert_non_null(mkdtemp(bench->directory));
    char rules[96];
    snprintf(rules, sizeof(rules), "%s/rules.d", bench->directory);
    assert_int_equal(mkdir(rules, 0755), 0);
    assert_int_equal(pause_new(&bench->journal, bench->directory, &bench->pause), 0);
    struct rule_book_settings settings = {
        .journal = &bench->journal,
        .pause = bench->pause,
        .config_directory = bench->directory,
        .tick_usec = SECOND,
        .ops = {.order = take_order, .is_own = is_own, .context = bench},
    };
    assert_int_equal(rule_book_new(&settings, &bench->book), 0);
    assert_int_equal(table_init(&bench->table, 64), 0);
    assert_int_equal(mailbox_init(&bench->mailbox, 16), 0);
    buffer_init(&bench->report, 65536);
    bench->now = START;
    *state = bench;
    return 0;
}

static void release(void *context, struct tracked *tracked)
{
    (void)context;
    rule_book_forget(tracked);
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    char command[128];
    table_finish(&bench->table, release, NULL);
    rule_book_free(bench->book);
    pause_free(bench->pause);
    command_free(bench->journal.answered);
    mailbox_finish(&bench->mailbox, (void (*)(void *))command_free);
    buffer_finish(&bench->report);
    const char *names[] = {"rules.d/a.rules", "rules.d/b.rules", "rules.d", "PAUSE", ""};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(command, sizeof(command), "%s/%s", bench->directory, names[i]);
        if (unlink(command) < 0)
            rmdir(command);
    }
    free(bench);
    return 0;
}

static void write_file(const struct bench *bench, const char *name, const char *text, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/rules.d/%s", bench->directory, name);
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void remove_file(const struct bench *bench, const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/rules.d/%s", bench->directory, name);
    assert_int_equal(unlink(path), 0);
}

static struct process *add_process(struct bench *bench, pid_t pid, const char *comm)
{
    struct process *process =
        table_add(&bench->table, (struct process_id){.pid = pid, .start_ticks = 7});
    assert_non_null(process);
    text_copy(process->comm, sizeof(process->comm), comm);
    return process;
}

static void tick(struct bench *bench, int64_t rss_bytes)
{
    for (size_t i = 0; i < bench->table.count; i++)
        sample_set(&bench->table.processes[i].sample, METRIC_RSS, rss_bytes, bench->now);
    rule_book_tick(bench->book, &bench->table, &bench->host, bench->now);
    bench->now += SECOND;
}

static void load(struct bench *bench)
{
    int r = rule_book_load(bench->book, &bench->report);
    if (r < 0)
        fprintf(stderr, "%.*s\n", (int)bench->report.size, bench->report.data);
    assert_int_equal(r, 0);
}

/* Asks as an administrator; the answer is owned by the bench until the next one. */
static const struct command *ask(struct bench *bench, enum command_kind kind, const char *name,
                                 const char *text)
{
    struct command *command = command_new(kind);
    assert_non_null(command);
    command->asker.all = true;
    text_copy(command->asker.text, sizeof(command->asker.text), "uid 0 (socket)");
    text_copy(command->name, sizeof(command->name), name);
    command->text = text ? strdup(text) : NULL;
    command->reply_to = &bench->mailbox;
    struct command *before = bench->journal.answered;
    rule_book_command(bench->book, command);
    struct command *answer = mailbox_pop(&bench->mailbox);
    if (answer) {
        /* Refused, or a plain read. */
        command_free(before);
        bench->journal.answered = answer;
    }
    return bench->journal.answered;
}

#define BIG   (INT64_C(200) << 20)
#define SMALL (INT64_C(1) << 20)

#define RULE(name, rest) "rule " name " for each process: when rss > 100 MiB then trim " rest "\n"

static enum rule_state state_of(struct bench *bench, const char *name)
{
    const struct command *answer = ask(bench, COMMAND_RULE_GET, name, NULL);
    assert_int_equal(answer->result, COMMAND_OK);
    assert_int_equal(answer->rule_count, 1);
    return answer->rules[0].state;
}

/* ---- arming ---- */

static void not_armed_by_default(void **state)
{
    struct bench *bench = *state;
    struct event event;
    write_file(bench, "a.rules", RULE("r", ""), 0644);
    load(bench);
    assert_int_equal(state_of(bench, "r"), RULE_STATE_DRY_RUN);
    add_process(bench, 10, "python3");
    tick(bench, BIG);
    assert_int_equal(bench->orders, 0);
    assert_int_equal(fake_journal_count(&bench->journal, EVENT_KIND_RULE_WOULD_FIRE, &event), 1);
    assert_string_equal(event.text, "would run trim in python3: the rule is not armed");
    assert_string_equal(event.target, "10-7");
    assert_string_equal(event.rule, "r");
    tick(bench, BIG);
    assert_int_equal(fake_journal_count(&bench->journal, EVENT_KIND_RULE_WOULD_FIRE, &event), 1);
}

static void armed_by_the_text_of_a_file(void **state)
{
    struct bench *bench = *state;
    write_file(bench, "a.rules", RULE("r", "pause at most 50ms armed"), 0644);
    load(bench);
    assert_int_equal(state_of(bench, "r"), RULE_STATE_ARMED);
    assert_int_equal(rule_book_armed_count(bench->book), 1);
    add_process(bench, 10, "python3");
    tick(bench, BIG);
    assert_int_equal(bench->orders, 1);
    assert_string_equal(bench->last_rule, "r");
    assert_int_equal(bench->last_order.target.pid, 10);
    assert_int_equal(bench->last_order.step_count, 1);
    assert_int_equal(bench->last_order.steps[0], STEP_TRIM);
    assert_int_equal(bench->last_order.pause_budget_usec, 50000);
    assert_false(bench->last_order.dry_run);
    tick(bench, BIG);
    assert_int_equal(bench->orders, 1); /* cools down */
}

static void a_file_that_others_can_write_does_not_arm(void **state)
{
    struct bench *bench = *state;
    struct event event;
    write_file(bench, "a.rules", RULE("r", "armed"), 0646);
    load(bench);
    assert_int_equal(state_of(bench, "r"), RULE_STATE_DRY_RUN);
    assert_true(fake_journal_count(&bench->journal, EVENT_KIND_RULES_LOADED, &event) >= 2);
    assert_non_null(strstr(event.text, "not armed"));
    /* A person may arm it all the same. */
    assert_int_equal(ask(bench, COMMAND_RULE_ARM, "r", NULL)->result, COMMAND_OK);
    assert_int_equal(state_of(bench, "r"), RULE_STATE_ARMED);
}

static void a_text_of_the_api_does_not_arm_itself(void **state)
{
    struct bench *bench = *state;
    load(bench);
    assert_int_equal(ask(bench, COMMAND_RULE_PUT, "r", RULE("r", "armed"))->result,
                     COMMAND_CREATED);
    assert_int_equal(state_of(bench, "r"), RULE_STATE_DRY_RUN);
}

static void armed_by_a_person_until_the_text_changes(void **state)
{
    struct bench *bench = *state;
    struct event event;
    load(bench);
    ask(bench, COMMAND_RULE_PUT, "r", RULE("r", ""));
    const struct command *answer = ask(bench, COMMAND_RULE_ARM, "r", NULL);
    assert_int_equal(answer->result, COMMAND_OK);
    assert_int_equal(answer->rules[0].state, RULE_STATE_ARMED);
    assert_string_equal(bench->journal.last_arming.sha256, answer->rules[0].sha256);
    assert_string_equal(bench->journal.last_arming.asked_by, "uid 0 (socket)");
    assert_int_equal(fake_journal_count(&bench->journal, EVENT_KIND_ARM, &event), 1);
    assert_string_equal(event.asked_by, "uid 0 (socket)");
    /* The same text again changes nothing. */
    ask(bench, COMMAND_RULE_PUT, "r", RULE("r", ""));
    assert_int_equal(state_of(bench, "r"), RULE_STATE_ARMED);
    assert_int_equal(fake_journal_count(&bench->journal, EVENT_KIND_DISARM, &event), 0);
    /* A comment is another text. */
    assert_int_equal(ask(bench, COMMAND_RULE_PUT, "r", "# x\n" RULE("r", ""))->result, COMMAND_OK);
    assert_int_equal(state_of(bench, "r"), RULE_STATE_DISARMED_BY_EDIT);
    assert_int_equal(fake_journal_count(&bench->journal, EVENT_KIND_DISARM, &event), 1);
    assert_false(rule_book_is_armed(bench->book, "r"));
    add_process(bench, 10, "python3");
    tick(bench, BIG);
    assert_int_equal(bench->orders, 0);
    assert_int_equal(ask(bench, COMMAND_RULE_ARM, "r", NULL)->result, COMMAND_OK);
    assert_true(rule_book_is_armed(bench->book, "r"));
}

static void an_arming_outlives_a_restart(void **state)
{
    struct bench *bench = *state;
    struct rule_arming arming = {.name = "r", .asked_by = "token (http)"};
    const char text[] = "rule r for each process: when rss > 100 MiB then trim";
    struct event event;
    digest_sha256(text, strlen(text), arming.sha256);
    assert_int_equal(rule_book_add_stored(bench->book, "r", text, NULL), 0);
    assert_int_equal(rule_book_add_arming(bench->book, &arming), 0);
    struct rule_arming other = {.name = "s"};
    assert_int_equal(rule_book_add_stored(bench->book, "s", RULE("s", ""), NULL), 0);
    assert_int_equal(rule_book_add_arming(bench->book, &other), 0);
    load(bench);
    assert_int_equal(state_of(bench, "r"), RULE_STATE_ARMED);
    assert_int_equal(state_of(bench, "s"), RULE_STATE_DISARMED_BY_EDIT);
    assert_int_equal(fake_journal_count(&bench->journal, EVENT_KIND_DISARM, &event), 1);
    load(bench);
    assert_int_equal(fake_journal_count(&bench->journal, EVENT_KIND_DISARM, &event), 1);
}

static void a_file_rule_armed_by_a_person_is_disarmed_by_an_edit(void **state)
{
    struct bench *bench = *state;
    write_file(bench, "a.rules", RULE("r", ""), 0644);
    load(bench);
    assert_int_equal(ask(bench, COMMAND_RULE_ARM, "r", NULL)->result, COMMAND_OK);
    write_file(bench, "a.rules", "# another line\n" RULE("r", ""), 0644);
    load(bench);
    assert_int_equal(state_of(bench, "r"), RULE_STATE_ARMED); /* not its text */
    write_file(bench, "a.rules", RULE("r", "at most once per 1m"), 0644);
    load(bench);
    assert_int_equal(state_of(bench, "r"), RULE_STATE_DISARMED_BY_EDIT);
}

static void dry_run_in_the_text_always_wins(void **state)
{
    struct bench *bench = *state;
    struct rule_arming arming = {.name = "r"};
    const char text[] = "rule r for each process: when rss > 100 MiB then trim dry-run";
    digest_sha256(text, strlen(text), arming.sha256);
    rule_book_add_stored(bench->book, "r", text, NULL);
    rule_book_add_arming(bench->book, &arming);
    load(bench);
    assert_int_equal(state_of(bench, "r"), RULE_STATE_DRY_RUN);
    const struct command *answer = ask(bench, COMMAND_RULE_ARM, "r", NULL);
    assert_int_equal(answer->result, COMMAND_CONFLICT);
    assert_non_null(strstr(answer->error.text, "dry-run"));
}

static void disarm(void **state)
{
    struct bench *bench = *state;
    write_file(bench, "a.rules", RULE("f", "armed"), 0644);
    load(bench);
    ask(bench, COMMAND_RULE_PUT, "r", RULE("r", ""));
    ask(bench, COMMAND_RULE_ARM, "r", NULL);
    const struct command *answer = ask(bench, COMMAND_RULE_DISARM, "r", NULL);
    assert_int_equal(answer->result, COMMAND_OK);
    assert_int_equal(answer->rules[0].state, RULE_STATE_DRY_RUN);
    assert_int_equal(bench->journal.arming_deletes, 1);
    assert_int_equal(ask(bench, COMMAND_RULE_DISARM, "r", NULL)->result, COMMAND_OK);
    answer = ask(bench, COMMAND_RULE_DISARM, "f", NULL);
    assert_int_equal(answer->result, COMMAND_CONFLICT);
    assert_non_null(strstr(answer->error.text, "memtend pause f"));
    assert_true(rule_book_is_armed(bench->book, "f"));
    assert_int_equal(ask(bench, COMMAND_RULE_DISARM, "x", NULL)->result, COMMAND_NOT_FOUND);
}

static void an_arming_can_be_bound_to_what_was_looked_at(void **state)
{
    struct bench *bench = *state;
    char sha256[DIGEST_HEX_SIZE];
    load(bench);
    text_copy(sha256, sizeof(sha256),
              ask(bench, COMMAND_RULE_PUT, "r", RULE("r", ""))->rules[0].sha256);
    ask(bench, COMMAND_RULE_PUT, "r", RULE("r", "at most once per 1m"));
    assert_int_equal(ask(bench, COMMAND_RULE_ARM, "r", sha256)->result, COMMAND_CONFLICT);
    ask(bench, COMMAND_RULE_PUT, "r", RULE("r", ""));
    assert_int_equal(ask(bench, COMMAND_RULE_ARM, "r", sha256)->result, COMMAND_OK);
}

/* ---- files and API ---- */

static void a_file_shadows_the_api(void **state)
{
    struct bench *bench = *state;
    rule_book_add_stored(bench->book, "r", RULE("r", "at most once per 7m"), NULL);
    write_file(bench, "a.rules", RULE("r", ""), 0644);
    load(bench);
    assert_int_equal(rule_book_count(bench->book), 1);
    const struct command *answer = ask(bench, COMMAND_RULE_LIST, "", NULL);
    assert_int_equal(answer->rule_count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(answer->rules[i].state, answer->rules[i].source == RULE_SOURCE_API
                                                     ? RULE_STATE_SHADOWED
                                                     : RULE_STATE_DRY_RUN);
    assert_int_equal(ask(bench, COMMAND_RULE_PUT, "r", RULE("r", ""))->result, COMMAND_CONFLICT);
    answer = ask(bench, COMMAND_RULE_DELETE, "r", NULL);
    assert_int_equal(answer->result, COMMAND_CONFLICT);
    assert_non_null(strstr(answer->error.text, "a.rules"));
    remove_file(bench, "a.rules");
    load(bench);
    assert_int_equal(rule_book_count(bench->book), 1);
    answer = ask(bench, COMMAND_RULE_GET, "r", NULL);
    assert_int_equal(answer->rules[0].source, RULE_SOURCE_API);
    assert_int_equal(answer->rules[0].state, RULE_STATE_DRY_RUN);
}

static void bad_files_change_nothing(void **state)
{
    struct bench *bench = *state;
    write_file(bench, "a.rules", RULE("r", "armed"), 0644);
    load(bench);
    write_file(bench, "a.rules", RULE("q", ""), 0644);
    write_file(bench, "b.rules", "rule s for each process: when rsss > 1MiB then colect\n", 0644);
    assert_int_equal(rule_book_load(bench->book, &bench->report), -EINVAL);
    assert_int_equal(buffer_append(&bench->report, "", 1), 0);
    assert_non_null(strstr(bench->report.data, "b.rules:1:31: error: unknown metric `rsss' "
                                               "(did you mean `rss'?)\n"));
    assert_non_null(strstr(bench->report.data, "unknown step `colect'"));
    assert_true(rule_book_is_armed(bench->book, "r"));
    assert_false(rule_book_has(bench->book, "q"));
    assert_int_equal(rule_book_count(bench->book), 1);
}

static void names_are_unique_over_files(void **state)
{
    struct bench *bench = *state;
    write_file(bench, "a.rules", RULE("r", ""), 0644);
    write_file(bench, "b.rules", RULE("r", ""), 0644);
    assert_int_equal(rule_book_check(bench->directory, NULL, 0, &bench->report), -EINVAL);
    assert_int_equal(buffer_append(&bench->report, "", 1), 0);
    assert_non_null(strstr(bench->report.data, "rule `r' is already there"));
}

static void a_file_that_was_named_must_be_there(void **state)
{
    struct bench *bench = *state;
    const char *files[] = {"/nonexistent/x.rules"};
    assert_int_equal(rule_book_check(NULL, files, 1, &bench->report), -ENOENT);
    const char *devices[] = {"/dev/null"};
    assert_int_equal(rule_book_check(NULL, devices, 1, &bench->report), -EINVAL);
}

static void a_reload_keeps_the_state_of_what_did_not_change(void **state)
{
    struct bench *bench = *state;
    write_file(bench, "a.rules", RULE("r", "armed"), 0644);
    load(bench);
    add_process(bench, 10, "python3");
    tick(bench, BIG);
    assert_int_equal(bench->orders, 1);
    write_file(bench, "a.rules", RULE("q", "") RULE("r", "armed"), 0644);
    load(bench);
    tick(bench, BIG);
    assert_int_equal(bench->orders, 1); /* still cooling down */
    assert_int_equal(ask(bench, COMMAND_RULE_GET, "r", NULL)->rules[0].fired_count, 1);
    write_file(bench, "a.rules", RULE("r", "armed at most once per 1h"), 0644);
    load(bench);
    tick(bench, BIG);
    assert_int_equal(bench->orders, 2); /* another rule by the same name */
}

/* ---- commands ---- */

static void put_and_delete(void **state)
{
    struct bench *bench = *state;
    load(bench);
    const struct command *answer =
        ask(bench, COMMAND_RULE_PUT, "r", "  # why\n" RULE("r", "# end") "\n\n");
    assert_int_equal(answer->result, COMMAND_CREATED);
    assert_string_equal(bench->journal.last_text,
                        "# why\nrule r for each process: when rss > 100 MiB then trim # end");
    assert_string_equal(answer->rules[0].text, bench->journal.last_text);
    assert_int_equal(bench->journal.answered_sequence, bench->journal.sequence);
    assert_int_equal(ask(bench, COMMAND_RULE_PUT, "r", RULE("r", ""))->result, COMMAND_OK);
    assert_int_equal(ask(bench, COMMAND_RULE_DELETE, "r", NULL)->result, COMMAND_OK);
    assert_int_equal(bench->journal.rule_deletes, 1);
    assert_int_equal(ask(bench, COMMAND_RULE_GET, "r", NULL)->result, COMMAND_NOT_FOUND);
    assert_int_equal(ask(bench, COMMAND_RULE_DELETE, "r", NULL)->result, COMMAND_NOT_FOUND);
}

static void a_wrong_text_is_refused_with_its_place(void **state)
{
    struct bench *bench = *state;
    load(bench);
    const struct command *answer =
        ask(bench, COMMAND_RULE_PUT, "r", "rule r for each process:\n  when rsss > 1MiB then trim");
    assert_int_equal(answer->result, COMMAND_INVALID);
    assert_int_equal(answer->error.line, 2);
    assert_int_equal(answer->error.column, 8);
    assert_int_equal(bench->journal.rule_puts, 0);
    answer = ask(bench, COMMAND_RULE_PUT, "r", RULE("q", ""));
    assert_int_equal(answer->result, COMMAND_INVALID);
    assert_int_equal(answer->error.line, 1);
    answer = ask(bench, COMMAND_RULE_PUT, "r", RULE("r", "") RULE("q", ""));
    assert_int_equal(answer->result, COMMAND_INVALID);
    assert_int_equal(answer->error.line, 2);
    assert_int_equal(ask(bench, COMMAND_RULE_PUT, "r", "")->result, COMMAND_INVALID);
    assert_int_equal(rule_book_count(bench->book), 0);
}

static void nothing_is_acknowledged_that_is_not_stored(void **state)
{
    struct bench *bench = *state;
    load(bench);
    bench->journal.refuses = true;
    assert_int_equal(ask(bench, COMMAND_RULE_PUT, "r", RULE("r", ""))->result, COMMAND_UNAVAILABLE);
    assert_false(rule_book_has(bench->book, "r"));
    bench->journal.refuses = false;
    ask(bench, COMMAND_RULE_PUT, "r", RULE("r", ""));
    bench->journal.refuses = true;
    assert_int_equal(ask(bench, COMMAND_RULE_ARM, "r", NULL)->result, COMMAND_UNAVAILABLE);
    assert_false(rule_book_is_armed(bench->book, "r"));
    assert_int_equal(ask(bench, COMMAND_RULE_DELETE, "r", NULL)->result, COMMAND_UNAVAILABLE);
    assert_true(rule_book_has(bench->book, "r"));
}

static void only_administrators_change_rules(void **state)
{
    struct bench *bench = *state;
    struct command *command = command_new(COMMAND_RULE_PUT);
    command->text = strdup(RULE("r", ""));
    command->reply_to = &bench->mailbox;
    text_copy(command->name, sizeof(command->name), "r");
    rule_book_command(bench->book, command);
    struct command *answer = mailbox_pop(&bench->mailbox);
    assert_ptr_equal(answer, command);
    assert_int_equal(answer->result, COMMAND_FORBIDDEN);
    command_free(answer);
}

static void a_stored_rule_that_is_wrong_is_left_out(void **state)
{
    struct bench *bench = *state;
    struct error error = {0};
    assert_int_equal(rule_book_add_stored(bench->book, "r", "rule r", &error), -EINVAL);
    assert_int_equal(error.line, 1);
    assert_int_equal(rule_book_add_stored(bench->book, "q", RULE("r", ""), &error), -EINVAL);
    load(bench);
    assert_int_equal(rule_book_count(bench->book), 0);
}

static void the_book_has_a_limit(void **state)
{
    struct bench *bench = *state;
    char name[16], text[128];
    load(bench);
    for (int i = 0; i < COMMAND_RULES_LIMIT; i++) {
        snprintf(name, sizeof(name), "r%d", i);
        snprintf(text, sizeof(text), "rule r%d for each process: when rss > 1MiB then trim", i);
        assert_int_equal(ask(bench, COMMAND_RULE_PUT, name, text)->result, COMMAND_CREATED);
    }
    assert_int_equal(ask(bench, COMMAND_RULE_PUT, "r", RULE("r", ""))->result, COMMAND_CONFLICT);
    assert_int_equal(ask(bench, COMMAND_RULE_LIST, "", NULL)->rule_count, COMMAND_RULES_LIMIT);
    write_file(bench, "a.rules", RULE("r", ""), 0644);
    assert_int_equal(rule_book_load(bench->book, &bench->report), -EINVAL);
}

/* ---- the tick ---- */

static void what_is_in_the_way_for_a_moment_is_tried_again(void **state)
{
    struct bench *bench = *state;
    struct event event;
    write_file(bench, "a.rules", RULE("r", "armed"), 0644);
    load(bench);
    add_process(bench, 10, "python3");
    static const enum order_refusal passing[] = {ORDER_BUSY, ORDER_GRACE, ORDER_RATE, ORDER_FULL};
    for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
        bench->answer = passing[i];
        tick(bench, BIG);
        assert_int_equal(bench->orders, i + 1);
    }
    assert_int_equal(fake_journal_count(&bench->journal, EVENT_KIND_RULE_WOULD_FIRE, &event), 0);
    bench->answer = ORDER_ACCEPTED;
    tick(bench, BIG);
    assert_int_equal(bench->orders, 5);
    tick(bench, BIG);
    assert_int_equal(bench->orders, 5);
}

static void what_stays_in_the_way_is_written_down_once(void **state)
{
    struct bench *bench = *state;
    struct event event;
    write_file(bench, "a.rules", RULE("r", "armed"), 0644);
    load(bench);
    add_process(bench, 10, "python3");
    bench->answer = ORDER_NO_AGENT;
    for (int i = 0; i < 10; i++)
        tick(bench, BIG);
    assert_int_equal(bench->orders, 1);
    assert_int_equal(fake_journal_count(&bench->journal, EVENT_KIND_RULE_WOULD_FIRE, &event), 1);
    assert_string_equal(event.text, "would run trim in python3: no agent in it");
}

static void a_full_journal_starts_nothing(void **state)
{
    struct bench *bench = *state;
    write_file(bench, "a.rules", RULE("r", "armed"), 0644);
    load(bench);
    add_process(bench, 10, "python3");
    bench->journal.full = true;
    tick(bench, BIG);
    assert_int_equal(bench->orders, 0);
    bench->journal.full = false;
    tick(bench, BIG);
    assert_int_equal(bench->orders, 1);
}

static void a_pause_holds_armed_rules_back_and_no_longer(void **state)
{
    struct bench *bench = *state;
    struct event event;
    char path[96];
    write_file(bench, "a.rules", RULE("r", "armed"), 0644);
    load(bench);
    add_process(bench, 10, "python3");
    snprintf(path, sizeof(path), "%s/PAUSE", bench->directory);
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    pause_on_time(bench->pause, bench->now);
    tick(bench, BIG);
    tick(bench, BIG);
    assert_int_equal(bench->orders, 0);
    assert_int_equal(fake_journal_count(&bench->journal, EVENT_KIND_RULE_WOULD_FIRE, &event), 1);
    assert_non_null(strstr(event.text, "the file PAUSE is there"));
    unlink(path);
    pause_on_time(bench->pause, bench->now);
    tick(bench, BIG);
    assert_int_equal(bench->orders, 1); /* what was only written down does not cool down */
}

static void arming_does_not_wait_for_the_cool_down_of_dry_runs(void **state)
{
    struct bench *bench = *state;
    load(bench);
    ask(bench, COMMAND_RULE_PUT, "r", RULE("r", ""));
    add_process(bench, 10, "python3");
    tick(bench, BIG);
    assert_int_equal(bench->orders, 0);
    ask(bench, COMMAND_RULE_ARM, "r", NULL);
    tick(bench, BIG);
    assert_int_equal(bench->orders, 1);
    /* And one that acted keeps cooling down when it is armed again. */
    ask(bench, COMMAND_RULE_DISARM, "r", NULL);
    ask(bench, COMMAND_RULE_ARM, "r", NULL);
    tick(bench, BIG);
    assert_int_equal(bench->orders, 1);
}

#define STAGES "if still after 2s then collect, trim at most once per 1h "

static void what_still_holds_gets_the_steps_that_are_for_then(void **state)
{
    struct bench *bench = *state;
    write_file(bench, "a.rules", RULE("r", STAGES "armed"), 0644);
    load(bench);
    add_process(bench, 10, "python3");
    tick(bench, BIG);
    assert_int_equal(bench->last_order.step_count, 1);
    tick(bench, BIG);
    assert_int_equal(bench->orders, 1);
    bench->answer = ORDER_BUSY; /* the first steps are not through */
    tick(bench, BIG);
    tick(bench, BIG);
    assert_int_equal(bench->orders, 3);
    bench->answer = ORDER_ACCEPTED;
    tick(bench, BIG);
    assert_int_equal(bench->orders, 4);
    assert_int_equal(bench->last_order.step_count, 2);
    assert_int_equal(bench->last_order.steps[0], STEP_COLLECT);
    for (int i = 0; i < 10; i++)
        tick(bench, BIG);
    assert_int_equal(bench->orders, 4); /* neither again, nor the first ones */
}

static void a_stage_of_a_dry_run_is_written_down_and_forgotten_when_it_is_armed(void **state)
{
    struct bench *bench = *state;
    struct event event;
    load(bench);
    ask(bench, COMMAND_RULE_PUT, "r", RULE("r", STAGES));
    add_process(bench, 10, "python3");
    for (int i = 0; i < 3; i++)
        tick(bench, BIG);
    assert_int_equal(fake_journal_count(&bench->journal, EVENT_KIND_RULE_WOULD_FIRE, &event), 2);
    assert_string_equal(event.text, "would run collect, trim in python3, still over its limit: "
                                    "the rule is not armed");
    ask(bench, COMMAND_RULE_ARM, "r", NULL);
    tick(bench, BIG);
    assert_int_equal(bench->orders, 1);
    assert_int_equal(bench->last_order.step_count, 1);
}

static void kernel_threads_and_our_own_processes_are_left_alone(void **state)
{
    struct bench *bench = *state;
    write_file(bench, "a.rules", RULE("r", "armed"), 0644);
    load(bench);
    add_process(bench, 10, "kworker/0:0")->kernel_thread = true;
    add_process(bench, 11, "memtendd");
    tick(bench, BIG);
    assert_int_equal(bench->orders, 0);
}

static void rules_ask_for_the_values_they_name(void **state)
{
    struct bench *bench = *state;
    write_file(bench, "a.rules",
               "rule d for each process where comm = \"python3\": when pss > 1 GiB then trim\n"
               "rule s for each process where comm ~ \"^(python3|bash)$\": when anon > 1 GiB then "
               "trim\n"
               "rule w for each process where comm = \"w\" and uss > 1 MiB: when rss > 9 GiB then "
               "trim\n",
               0644);
    load(bench);
    add_process(bench, 10, "python3");
    add_process(bench, 11, "bash");
    add_process(bench, 12, "sleep");
    struct process *waiting = add_process(bench, 13, "w");
    tick(bench, SMALL);
    const struct tracked *tracked = bench->table.tracked;
    assert_true(tracked[0].slow_wanted && tracked[0].deep_wanted);
    assert_true(tracked[1].slow_wanted && !tracked[1].deep_wanted);
    assert_true(!tracked[2].slow_wanted && !tracked[2].deep_wanted);
    assert_true(!tracked[3].slow_wanted && tracked[3].deep_wanted);
    sample_set(&waiting->sample, METRIC_USS, SMALL / 2, bench->now);
    text_copy(bench->table.processes[0].comm, PROCESS_COMM_SIZE, "other");
    tick(bench, SMALL);
    assert_true(!tracked[0].slow_wanted && !tracked[0].deep_wanted);
    assert_false(tracked[3].deep_wanted);
}

static void many_notes_are_spread_over_ticks(void **state)
{
    struct bench *bench = *state;
    struct event event;
    write_file(bench, "a.rules", RULE("r", ""), 0644);
    load(bench);
    for (pid_t pid = 1; pid <= 60; pid++)
        add_process(bench, pid, "python3");
    tick(bench, BIG);
    assert_int_equal(fake_journal_count(&bench->journal, EVENT_KIND_RULE_WOULD_FIRE, &event), 32);
    tick(bench, BIG);
    assert_int_equal(fake_journal_count(&bench->journal, EVENT_KIND_RULE_WOULD_FIRE, &event), 60);
    tick(bench, BIG);
    assert_int_equal(fake_journal_count(&bench->journal, EVENT_KIND_RULE_WOULD_FIRE, &event), 60);
}

static void the_full_command_line_is_what_counts(void **state)
{
    struct bench *bench = *state;
    write_file(bench, "a.rules",
               "rule r for each process where cmdline ~ \"--secret=abc\":\n"
               "  when rss > 100 MiB then trim armed\n",
               0644);
    load(bench);
    struct process *process = add_process(bench, 10, "python3");
    table_set_text(&bench->table, &process->cmdline, "python3 x.py --secret=***");
    tick(bench, BIG);
    assert_int_equal(bench->orders, 0);
    table_set_text(&bench->table, &table_tracked(&bench->table, process)->full_cmdline,
                   "python3 x.py --secret=abc");
    tick(bench, BIG);
    assert_int_equal(bench->orders, 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(not_armed_by_default),
        TEST(armed_by_the_text_of_a_file),
        TEST(a_file_that_others_can_write_does_not_arm),
        TEST(a_text_of_the_api_does_not_arm_itself),
        TEST(armed_by_a_person_until_the_text_changes),
        TEST(an_arming_outlives_a_restart),
        TEST(a_file_rule_armed_by_a_person_is_disarmed_by_an_edit),
        TEST(dry_run_in_the_text_always_wins),
        TEST(disarm),
        TEST(an_arming_can_be_bound_to_what_was_looked_at),
        TEST(a_file_shadows_the_api),
        TEST(bad_files_change_nothing),
        TEST(names_are_unique_over_files),
        TEST(a_file_that_was_named_must_be_there),
        TEST(a_reload_keeps_the_state_of_what_did_not_change),
        TEST(put_and_delete),
        TEST(a_wrong_text_is_refused_with_its_place),
        TEST(nothing_is_acknowledged_that_is_not_stored),
        TEST(only_administrators_change_rules),
        TEST(a_stored_rule_that_is_wrong_is_left_out),
        TEST(the_book_has_a_limit),
        TEST(what_is_in_the_way_for_a_moment_is_tried_again),
        TEST(what_stays_in_the_way_is_written_down_once),
        TEST(a_full_journal_starts_nothing),
        TEST(a_pause_holds_armed_rules_back_and_no_longer),
        TEST(arming_does_not_wait_for_the_cool_down_of_dry_runs),
        TEST(what_still_holds_gets_the_steps_that_are_for_then),
        TEST(a_stage_of_a_dry_run_is_written_down_and_forgotten_when_it_is_armed),
        TEST(kernel_threads_and_our_own_processes_are_left_alone),
        TEST(rules_ask_for_the_values_they_name),
        TEST(many_notes_are_spread_over_ticks),
        TEST(the_full_command_line_is_what_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
