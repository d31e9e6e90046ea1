/* SPDX-License-Identifier: MIT */
#include "engine/store_reader.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "engine/event_book.h"
#include "engine/receipt_book.h"
#include "engine/reply.h"
#include "storage/history.h"

#include <errno.h>
#include <string.h>

/* No question may hold the database's log open for longer. */
#define STORE_READER_DEADLINE_USEC (5 * USEC_PER_SEC)

/* Slots above the limit: for the stop, and for pushes of two threads that saw the last free slot at
 * the same time. */
#define STORE_READER_ROOM 4

struct store_reader {
    struct mailbox questions; /* struct command; `stop` ends the thread */
    struct history *history;
    pthread_t thread;
    struct command stop;
};

static struct history_page store_reader_page(const struct command *command)
{
    struct history_page page = {.limit = command->limit > 0 ? command->limit : 1,
                                .from_wall_usec = command->from_wall_usec,
                                .kind = command->has_event_kind ? &command->event_kind : NULL};
    text_copy(page.cursor, sizeof(page.cursor), command->cursor);
    return page;
}

static int store_reader_series(struct history *history, struct command *command)
{
    return history_series(history, &command->series, &command->series_result, &command->error);
}

static int store_reader_top(struct history *history, struct command *command)
{
    return history_top(history, &command->top, &command->top_count, &command->top_processes,
                       &command->error);
}

static int store_reader_events(struct history *history, struct command *command)
{
    struct history_page page = store_reader_page(command);
    struct event *stored = NULL;
    size_t count = 0;
    page.limit -= command->event_count; /* event_book_list() leaves room */
    int r = history_events(history, &page, &count, &stored, command->next_cursor);
    /* What is not on disk is all there is while the store cannot be opened. */
    if ((r == -ENOENT || r == -EMEDIUMTYPE) && command->event_count > 0)
        return 0;
    return r < 0 ? r : event_book_append(command, stored, count);
}

static int store_reader_window(struct history *history, struct command *command)
{
    return history_event_window(history, command->event_id, &command->window);
}

static int store_reader_audit(struct history *history, struct command *command)
{
    struct history_page page = store_reader_page(command);
    return history_audit(history, &page, &command->event_count, &command->events,
                         command->next_cursor);
}

static int store_reader_receipts(struct history *history, struct command *command)
{
    struct history_page page = store_reader_page(command);
    struct receipt *stored = NULL;
    size_t count = 0;
    page.limit = command->limit - command->receipt_count; /* actions_list() leaves room */
    int r = history_receipts(history, &page, &count, &stored, command->next_cursor);
    return r < 0 ? r : receipt_book_append(command, stored, count);
}

static int store_reader_receipt(struct history *history, struct command *command)
{
    int r = history_receipt(history, command->name, &command->receipts);
    command->receipt_count = r == 0 && command->receipts ? 1 : 0;
    return r;
}

static int (*const store_reader_answers[])(struct history *, struct command *) = {
    [COMMAND_SERIES] = store_reader_series,
    [COMMAND_EVENT_LIST] = store_reader_events,
    [COMMAND_AUDIT_LIST] = store_reader_audit,
    [COMMAND_ACTION_LIST] = store_reader_receipts,
    [COMMAND_ACTION_GET] = store_reader_receipt,
    [COMMAND_EVENT_WINDOW] = store_reader_window,
    [COMMAND_TOP] = store_reader_top,
};

static void store_reader_refuse(struct command *command, int error)
{
    switch (error) {
    case -ETIMEDOUT:
        command_refuse(command, COMMAND_UNAVAILABLE,
                       "the history did not answer in time; ask for a shorter time");
        break;
    case -ENOENT:
    case -EMEDIUMTYPE:
        command_refuse(command, COMMAND_UNAVAILABLE, "there is no stored history");
        break;
    case -EINVAL:
    case -EOPNOTSUPP:
    case -E2BIG:
        if (command->error.text[0])
            command->result = COMMAND_INVALID;
        else
            command_refuse(command, COMMAND_INVALID,
                           error == -E2BIG ? "that is too much at once: ask for less time"
                                           : "the cursor is not one of this list");
        break;
    default:
        command_refuse(command, COMMAND_UNAVAILABLE, "the history cannot be read: %s",
                       error == -EUCLEAN ? "the file is damaged" : strerror(-error));
    }
}

static void store_reader_answer(struct store_reader *reader, struct command *command)
{
    uint64_t limit = clock_mono_usec() + STORE_READER_DEADLINE_USEC;
    bool sooner = command->deadline_usec > 0 && command->deadline_usec < limit;
    history_set_deadline(reader->history, sooner ? command->deadline_usec : limit);
    history_set_owner(reader->history, command->asker.all ? NULL : &command->asker.uid);
    int r = store_reader_answers[command->kind](reader->history, command);
    if (r < 0)
        store_reader_refuse(command, r);
    else if (command->kind == COMMAND_ACTION_GET && command->receipt_count == 0)
        command_refuse(command, COMMAND_NOT_FOUND, "there is no action %s", command->name);
    else if (command->kind == COMMAND_EVENT_WINDOW && !command->window)
        command_refuse(command, COMMAND_NOT_FOUND, "there is no stored event %lld",
                       (long long)command->event_id);
    else
        command->result = COMMAND_OK;
    reply_send(command);
}

static void *store_reader_run(void *context)
{
    struct store_reader *reader = context;
    for (;;) {
        struct command *command = mailbox_wait(&reader->questions, -1);
        if (command == &reader->stop)
            return NULL;
        if (command)
            store_reader_answer(reader, command);
    }
}

static void store_reader_free(struct store_reader *reader)
{
    mailbox_finish(&reader->questions, NULL);
    history_free(reader->history);
    free(reader);
}

DEFINE_CLEANUP(struct store_reader *, store_reader_free);

int store_reader_start(const char *directory, uint64_t tick_usec, struct shelf *shelf,
                       struct store_reader **ret_reader)
{
    _cleanup_(store_reader_freep) struct store_reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return -ENOMEM;
    int r = history_new(directory, tick_usec, shelf, &reader->history);
    if (r == 0)
        r = mailbox_init(&reader->questions, STORE_READER_QUEUE + STORE_READER_ROOM);
    if (r == 0)
        r = -pthread_create(&reader->thread, NULL, store_reader_run, reader);
    if (r < 0)
        return r;
    *ret_reader = STEAL(reader);
    return 0;
}

void store_reader_stop(struct store_reader *reader)
{
    if (!reader)
        return;
    /* What waits before the stop is answered too, at once: each query ends when it begins. */
    history_cancel(reader->history);
    mailbox_push(&reader->questions, &reader->stop);
    pthread_join(reader->thread, NULL);
    store_reader_free(reader);
}

int store_reader_push(struct store_reader *reader, struct command *command)
{
    if (mailbox_count(&reader->questions) >= STORE_READER_QUEUE)
        return -ENOBUFS;
    return mailbox_push(&reader->questions, command);
}

uint64_t store_reader_cpu_usec(const struct store_reader *reader)
{
    return clock_of_thread_usec(reader->thread);
}
