/* SPDX-License-Identifier: MIT */
#include "engine/journal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/event_book.h"
#include "engine/reply.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* http has at most 64 connections with one command each. */
#define JOURNAL_WAITING_LIMIT 128
/* A person is told after this long that the record is not on disk yet. */
#define JOURNAL_PATIENCE_USEC (5 * USEC_PER_SEC)

struct journal_waiting {
    struct command *command;
    uint64_t sequence;
    uint64_t give_up_usec;
};

struct journal {
    struct store_writer *writer;
    struct event_book *recent;
    uint64_t durable_sequence;
    size_t waiting_count;
    struct journal_waiting waiting[JOURNAL_WAITING_LIMIT];
};

int journal_new(struct store_writer *writer, struct journal **ret_journal)
{
    struct journal *journal = calloc(1, sizeof(*journal));
    if (!journal)
        return -ENOMEM;
    journal->writer = writer;
    int r = event_book_new(&journal->recent);
    if (r < 0) {
        free(journal);
        return r;
    }
    *ret_journal = journal;
    return 0;
}

static void journal_give_up(struct command *command)
{
    command_refuse(command, COMMAND_UNAVAILABLE,
                   "done, but not on disk: the store is degraded; see store.detail of the status");
    reply_send(command);
}

void journal_free(struct journal *journal)
{
    if (!journal)
        return;
    for (size_t i = 0; i < journal->waiting_count; i++)
        journal_give_up(journal->waiting[i].command);
    event_book_free(journal->recent);
    free(journal);
}

static void journal_log(const struct event *event)
{
    enum log_level level = event->kind == EVENT_KIND_STORE || event->kind == EVENT_KIND_OOM_KILL ||
                                   event->kind == EVENT_KIND_PRESSURE
                               ? LOG_LEVEL_WARNING
                               : LOG_LEVEL_INFO;
    bool agent = event->kind == EVENT_KIND_HELLO || event->kind == EVENT_KIND_BYE ||
                 event->kind == EVENT_KIND_EXEC || event->kind == EVENT_KIND_EXIT;
    log_line(agent ? LOG_LEVEL_DEBUG : level, "%s%s%s%s%s: %s", event_kind_name(event->kind),
             event->target[0] ? " " : "", event->target, event->rule[0] ? " rule " : "",
             event->rule, event->text);
}

static int journal_put(struct journal *journal, struct event *event, const struct pin *pin,
                       uint64_t *ret_sequence)
{
    if (event->wall_usec == 0)
        event->wall_usec = clock_wall_usec();
    if (event->mono_usec == 0)
        event->mono_usec = clock_mono_usec();
    journal_log(event);
    if (!journal->writer)
        return -ENODEV;
    uint64_t sequence;
    int r = store_writer_event(journal->writer, event, pin, &event->id, &sequence);
    if (r < 0)
        return r;
    event_book_add(journal->recent, event, sequence);
    if (ret_sequence)
        *ret_sequence = sequence;
    return 0;
}

int journal_event(struct journal *journal, struct event *event, uint64_t *ret_sequence)
{
    return journal_put(journal, event, NULL, ret_sequence);
}

static void journal_say_lost(struct journal *journal, int error)
{
    if (error < 0 && error != -ENODEV)
        log_warning("this event could not be kept: %d records wait for the store",
                    (int)store_writer_pending(journal->writer));
}

int journal_pinned_event(struct journal *journal, struct event *event, const struct pin *pin)
{
    int r = journal_put(journal, event, pin, NULL);
    journal_say_lost(journal, r);
    return r;
}

void journal_note(struct journal *journal, enum event_kind kind, const char *target,
                  const char *rule, const char *receipt, const char *format, ...)
{
    struct event event = {.kind = kind};
    text_copy(event.target, sizeof(event.target), target ? target : "");
    text_copy(event.rule, sizeof(event.rule), rule ? rule : "");
    text_copy(event.receipt, sizeof(event.receipt), receipt ? receipt : "");
    va_list list;
    va_start(list, format);
    vsnprintf(event.text, sizeof(event.text), format, list);
    va_end(list);
    journal_say_lost(journal, journal_event(journal, &event, NULL));
}

/* Each kind of record is the writer's function of the same name; without a store there is none. */
#define JOURNAL_WITHOUT_STORE(journal)                                                             \
    if (!(journal)->writer)                                                                        \
    return -ENODEV

int journal_receipt(struct journal *journal, const struct receipt *receipt, uint64_t *ret_sequence)
{
    JOURNAL_WITHOUT_STORE(journal);
    return store_writer_receipt(journal->writer, receipt, ret_sequence);
}

int journal_rule_put(struct journal *journal, const char *name, const char *text,
                     uint64_t *ret_sequence)
{
    JOURNAL_WITHOUT_STORE(journal);
    return store_writer_rule_put(journal->writer, name, text, ret_sequence);
}

int journal_rule_delete(struct journal *journal, const char *name, uint64_t *ret_sequence)
{
    JOURNAL_WITHOUT_STORE(journal);
    return store_writer_rule_delete(journal->writer, name, ret_sequence);
}

int journal_arming_put(struct journal *journal, const struct rule_arming *arming,
                       uint64_t *ret_sequence)
{
    JOURNAL_WITHOUT_STORE(journal);
    return store_writer_arming_put(journal->writer, arming, ret_sequence);
}

int journal_arming_delete(struct journal *journal, const char *name, uint64_t *ret_sequence)
{
    JOURNAL_WITHOUT_STORE(journal);
    return store_writer_arming_delete(journal->writer, name, ret_sequence);
}

int journal_setting(struct journal *journal, const char *key, const char *value,
                    uint64_t *ret_sequence)
{
    JOURNAL_WITHOUT_STORE(journal);
    return store_writer_setting(journal->writer, key, value, ret_sequence);
}

void journal_list_events(const struct journal *journal, struct command *command)
{
    event_book_list(journal->recent, journal->durable_sequence, command);
}

void journal_reply_when_durable(struct journal *journal, struct command *command, uint64_t sequence)
{
    if (journal->writer && sequence <= journal->durable_sequence) {
        reply_send(command);
        return;
    }
    if (!journal->writer || journal->waiting_count == JOURNAL_WAITING_LIMIT) {
        journal_give_up(command);
        return;
    }
    journal->waiting[journal->waiting_count++] =
        (struct journal_waiting){.command = command,
                                 .sequence = sequence,
                                 .give_up_usec = clock_mono_usec() + JOURNAL_PATIENCE_USEC};
}

/* Answer those commands whose record is durable or whose patience has ended; the rest stay. */
static void journal_settle(struct journal *journal, uint64_t durable, uint64_t mono_usec)
{
    size_t kept = 0;
    for (size_t i = 0; i < journal->waiting_count; i++) {
        struct journal_waiting *waiting = &journal->waiting[i];
        if (waiting->sequence <= durable)
            reply_send(waiting->command);
        else if (mono_usec >= waiting->give_up_usec)
            journal_give_up(waiting->command);
        else
            journal->waiting[kept++] = *waiting;
    }
    journal->waiting_count = kept;
}

void journal_on_durable(struct journal *journal, uint64_t sequence)
{
    journal->durable_sequence = sequence;
    journal_settle(journal, sequence, 0);
}

void journal_on_time(struct journal *journal, uint64_t mono_usec)
{
    journal_settle(journal, journal->durable_sequence, mono_usec);
}

uint64_t journal_durable_sequence(const struct journal *journal)
{
    return journal->durable_sequence;
}

bool journal_is_full(const struct journal *journal)
{
    return journal->writer && store_writer_pending(journal->writer) >= STORE_WRITER_RECORDS_LIMIT;
}
