/* SPDX-License-Identifier: MIT */
/* The pause: by command, by file, over a restart. */
#include "engine/pause.h"

#include "base/clock.h"
#include "base/mailbox.h"
#include "base/text.h"
#include "engine/rule_book.h"
#include "fake_journal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct bench {
    char directory[64];
    struct journal journal;
    struct pause *pause;
    struct rule_book *book;
    struct mailbox mailbox;
};

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    struct buffer report;
    assert_non_null(bench);
    text_copy(bench->directory, sizeof(bench->directory), "/tmp/memtend-pause-XXXXXX");
    assert_non_null(mkdtemp(bench->directory));
    assert_int_equal(pause_new(&bench->journal, bench->directory, &bench->pause), 0);
    struct rule_book_settings settings = {.journal = &bench->journal, .pause = bench->pause};
    assert_int_equal(rule_book_new(&settings, &bench->book), 0);
    buffer_init(&report, 4096);
    for (int i = 0; i < PAUSE_RULES + 1; i++) {
        char name[16], text[128];
        snprintf(name, sizeof(name), "r%d", i);
        snprintf(text, sizeof(text), "rule r%d for each process: when rss > 1MiB then trim", i);
        assert_int_equal(rule_book_add_stored(bench->book, name, text, NULL), 0);
    }
    assert_int_equal(rule_book_load(bench->book, &report), 0);
    buffer_finish(&report);
    assert_int_equal(mailbox_init(&bench->mailbox, 16), 0);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    char path[96];
    pause_free(bench->pause);
    rule_book_free(bench->book);
    command_free(bench->journal.answered);
    mailbox_finish(&bench->mailbox, (void (*)(void *))command_free);
    snprintf(path, sizeof(path), "%s/PAUSE", bench->directory);
    unlink(path);
    rmdir(bench->directory);
    free(bench);
    return 0;
}

static const struct command *ask(struct bench *bench, enum command_kind kind, const char *rule,
                                 uint64_t for_usec)
{
    struct command *command = command_new(kind);
    assert_non_null(command);
    command->asker.all = true;
    command->for_usec = for_usec;
    text_copy(command->asker.text, sizeof(command->asker.text), "uid 0 (socket)");
    text_copy(command->name, sizeof(command->name), rule);
    command->reply_to = &bench->mailbox;
    struct command *before = bench->journal.answered;
    pause_command(bench->pause, bench->book, command);
    struct command *answer = mailbox_pop(&bench->mailbox);
    if (answer) {
        command_free(before);
        bench->journal.answered = answer;
    }
    return bench->journal.answered;
}

static void of_everything_until_resumed(void **state)
{
    struct bench *bench = *state;
    const char *reason = NULL;
    struct status status = {0};
    assert_false(pause_is_on(bench->pause, NULL, &reason));
    const struct command *answer = ask(bench, COMMAND_PAUSE, "", 0);
    assert_int_equal(answer->result, COMMAND_OK);
    assert_int_equal(answer->event_count, 1);
    assert_int_equal(answer->events[0].kind, EVENT_KIND_PAUSE);
    assert_true(answer->events[0].id > 0);
    assert_int_equal(bench->journal.answered_sequence, bench->journal.sequence);
    assert_true(pause_is_on(bench->pause, NULL, &reason));
    assert_true(pause_is_on(bench->pause, "", NULL));
    assert_true(pause_is_on(bench->pause, "r1", &reason));
    assert_string_equal(reason, "paused by uid 0 (socket) until resumed");
    pause_status(bench->pause, &status);
    assert_true(status.paused);
    assert_int_equal(status.paused_until_wall_usec, 0);
    assert_string_equal(bench->journal.settings[0].name, "pause");
    assert_string_equal(bench->journal.settings[0].value, "0 * uid 0 (socket)");
    pause_on_time(bench->pause, clock_mono_usec() + 1000000 * USEC_PER_SEC);
    assert_true(pause_is_on(bench->pause, NULL, NULL));
    assert_int_equal(ask(bench, COMMAND_RESUME, "", 0)->result, COMMAND_OK);
    assert_false(pause_is_on(bench->pause, "r1", NULL));
    assert_true(bench->journal.settings[0].deleted);
}

static void for_a_time(void **state)
{
    struct bench *bench = *state;
    struct event event;
    struct status status = {0};
    ask(bench, COMMAND_PAUSE, "", 60 * USEC_PER_SEC);
    uint64_t now = clock_mono_usec();
    pause_on_time(bench->pause, now + 30 * USEC_PER_SEC);
    assert_true(pause_is_on(bench->pause, NULL, NULL));
    pause_status(bench->pause, &status);
    assert_true(status.paused_until_wall_usec > clock_wall_usec());
    pause_on_time(bench->pause, now + 61 * USEC_PER_SEC);
    assert_false(pause_is_on(bench->pause, NULL, NULL));
    assert_int_equal(fake_journal_count(&bench->journal, EVENT_KIND_RESUME, &event), 1);
    assert_true(bench->journal.settings[0].deleted);
}

static void of_one_rule(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(ask(bench, COMMAND_PAUSE, "r1", 0)->result, COMMAND_OK);
    assert_true(pause_is_on(bench->pause, "r1", NULL));
    assert_false(pause_is_on(bench->pause, "r2", NULL));
    assert_false(pause_is_on(bench->pause, NULL, NULL));
    assert_int_equal(ask(bench, COMMAND_PAUSE, "nosuch", 0)->result, COMMAND_NOT_FOUND);
    /* Resuming everything does not resume what was paused by itself. */
    ask(bench, COMMAND_RESUME, "", 0);
    assert_true(pause_is_on(bench->pause, "r1", NULL));
    ask(bench, COMMAND_RESUME, "r1", 0);
    assert_false(pause_is_on(bench->pause, "r1", NULL));
}

static void so_many_rules_at_most(void **state)
{
    struct bench *bench = *state;
    char name[16];
    for (int i = 0; i < PAUSE_RULES; i++) {
        bench->journal.setting_count = 0;
        snprintf(name, sizeof(name), "r%d", i);
        assert_int_equal(ask(bench, COMMAND_PAUSE, name, 0)->result, COMMAND_OK);
    }
    snprintf(name, sizeof(name), "r%d", PAUSE_RULES);
    assert_int_equal(ask(bench, COMMAND_PAUSE, name, 0)->result, COMMAND_CONFLICT);
    bench->journal.setting_count = 0;
    assert_int_equal(ask(bench, COMMAND_PAUSE, "r3", USEC_PER_SEC)->result, COMMAND_OK);
}

static void over_a_restart(void **state)
{
    struct bench *bench = *state;
    const char *reason = NULL;
    uint64_t mono = 50 * USEC_PER_SEC, wall = 1000000 * USEC_PER_SEC;
    assert_int_equal(pause_load(bench->pause, "theme", "dark", mono, wall), -ENOENT);
    assert_int_equal(pause_load(bench->pause, "pause.33", "0 r1 x", mono, wall), -ENOENT);
    assert_int_equal(pause_load(bench->pause, "pause.2", "0 r1 uid 0 (socket)", mono, wall), 0);
    assert_int_equal(pause_load(bench->pause, "pause", "1000010000000 * token (http)", mono, wall),
                     0);
    assert_true(pause_is_on(bench->pause, NULL, &reason));
    assert_non_null(strstr(reason, "token (http) until 1970-01-12T13:46:50"));
    pause_on_time(bench->pause, mono + 9 * USEC_PER_SEC);
    assert_true(pause_is_on(bench->pause, NULL, NULL));
    pause_on_time(bench->pause, mono + 11 * USEC_PER_SEC);
    assert_false(pause_is_on(bench->pause, NULL, NULL));
    assert_true(pause_is_on(bench->pause, "r1", NULL));
}

static void that_ended_while_the_daemon_was_down(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(pause_load(bench->pause, "pause", "5000000 * x", 1000, 9000000), 0);
    pause_on_time(bench->pause, 2000);
    assert_false(pause_is_on(bench->pause, NULL, NULL));
}

static void that_cannot_be_read_stays_on(void **state)
{
    static const char *const values[] = {
        "", "x", "0", "0 *", "0 r1 x", "99999999999999999999 * x", "-1 * x"};
    struct bench *bench = *state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        assert_int_equal(pause_load(bench->pause, "pause", values[i], 1000, 1000), -EINVAL);
        assert_true(pause_is_on(bench->pause, NULL, NULL));
        ask(bench, COMMAND_RESUME, "", 0);
        assert_false(pause_is_on(bench->pause, NULL, NULL));
    }
    assert_int_equal(pause_load(bench->pause, "pause.1", "0 * x", 1000, 1000), -EINVAL);
    assert_true(pause_is_on(bench->pause, NULL, NULL));
}

static void write_file(const struct bench *bench, const char *text)
{
    char path[96];
    snprintf(path, sizeof(path), "%s/PAUSE", bench->directory);
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void by_a_file(void **state)
{
    struct bench *bench = *state;
    struct event event;
    const char *reason = NULL;
    char path[96];
    uint64_t now = 1000 * USEC_PER_SEC;
    pause_on_time(bench->pause, now);
    assert_false(pause_is_on(bench->pause, NULL, NULL));
    write_file(bench, "deploy of\x1b[31m shop\nmore\n");
    pause_on_time(bench->pause, now + USEC_PER_SEC / 2);
    assert_false(pause_is_on(bench->pause, NULL, NULL)); /* once a second */
    pause_on_time(bench->pause, now + USEC_PER_SEC);
    assert_true(pause_is_on(bench->pause, "r1", &reason));
    assert_string_equal(reason, "the file PAUSE is there: deploy of\xEF\xBF\xBD[31m shop");
    assert_int_equal(fake_journal_count(&bench->journal, EVENT_KIND_PAUSE, &event), 1);
    /* A person cannot resume what the file stops. */
    const struct command *answer = ask(bench, COMMAND_RESUME, "", 0);
    assert_int_equal(answer->result, COMMAND_OK);
    assert_non_null(strstr(answer->events[0].text, "still stops"));
    assert_true(pause_is_on(bench->pause, NULL, NULL));
    snprintf(path, sizeof(path), "%s/PAUSE", bench->directory);
    unlink(path);
    pause_on_time(bench->pause, now + 2 * USEC_PER_SEC);
    assert_false(pause_is_on(bench->pause, NULL, NULL));
}

static void by_a_file_of_any_kind(void **state)
{
    struct bench *bench = *state;
    const char *reason = NULL;
    char path[96];
    snprintf(path, sizeof(path), "%s/PAUSE", bench->directory);
    assert_int_equal(mkfifo(path, 0644), 0); /* reading it would hang */
    pause_on_time(bench->pause, USEC_PER_SEC);
    assert_true(pause_is_on(bench->pause, NULL, &reason));
    assert_string_equal(reason, "the file PAUSE is there");
    unlink(path);
    assert_int_equal(symlink("/nonexistent", path), 0);
    pause_on_time(bench->pause, 3 * USEC_PER_SEC);
    assert_true(pause_is_on(bench->pause, NULL, NULL));
}

static void a_directory_may_come_later(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(rmdir(bench->directory), 0);
    pause_on_time(bench->pause, USEC_PER_SEC);
    assert_false(pause_is_on(bench->pause, NULL, NULL));
    assert_int_equal(mkdir(bench->directory, 0755), 0);
    write_file(bench, "");
    pause_on_time(bench->pause, 2 * USEC_PER_SEC);
    assert_true(pause_is_on(bench->pause, NULL, NULL));
}

static void works_without_a_store(void **state)
{
    struct bench *bench = *state;
    bench->journal.refuses = true;
    const struct command *answer = ask(bench, COMMAND_PAUSE, "", 0);
    assert_int_equal(answer->result, COMMAND_UNAVAILABLE);
    assert_non_null(strstr(answer->error.text, "done, but"));
    assert_true(pause_is_on(bench->pause, NULL, NULL));
}

static void only_by_administrators(void **state)
{
    struct bench *bench = *state;
    struct command *command = command_new(COMMAND_PAUSE);
    command->reply_to = &bench->mailbox;
    pause_command(bench->pause, bench->book, command);
    struct command *answer = mailbox_pop(&bench->mailbox);
    assert_int_equal(answer->result, COMMAND_FORBIDDEN);
    command_free(answer);
    assert_false(pause_is_on(bench->pause, NULL, NULL));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(of_everything_until_resumed),
        TEST(for_a_time),
        TEST(of_one_rule),
        TEST(so_many_rules_at_most),
        TEST(over_a_restart),
        TEST(that_ended_while_the_daemon_was_down),
        TEST(that_cannot_be_read_stays_on),
        TEST(by_a_file),
        TEST(by_a_file_of_any_kind),
        TEST(a_directory_may_come_later),
        TEST(works_without_a_store),
        TEST(only_by_administrators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
