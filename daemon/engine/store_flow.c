/* SPDX-License-Identifier: MIT */
#include "engine/store_flow.h"

#include "base/clock.h"
#include "base/text.h"
#include "engine/tick_merge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A disk that had no room or failed is asked again so often. */
#define STORE_FLOW_RETRY_USEC (2 * USEC_PER_SEC)
/* Power loss may take the samples of so long. */
#define STORE_FLOW_FLUSH_USEC (10 * USEC_PER_SEC)
/* Other work between two ticks: retention, what has waited. */
#define STORE_FLOW_STEP_USEC (50 * USEC_PER_MSEC)
/* Compaction and retention, when nothing was left to do: what they look for takes minutes to come,
 * and a look costs half of what a tick does. */
#define STORE_FLOW_EXPIRE_EVERY_USEC (10 * USEC_PER_SEC)
/* More ticks than this wait only while a commit is under way; the others are for the loop. */
#define STORE_FLOW_TICKS (TICK_POOL_TICKS - 4)

static void store_flow_say(struct store_flow *flow, enum store_state state, const char *text)
{
    if (flow->ack.state == state && strcmp(flow->ack.text, text) == 0)
        return;
    flow->ack.state = state;
    text_copy(flow->ack.text, sizeof(flow->ack.text), text);
    flow->ack_changed = true;
}

static void store_flow_close(struct store_flow *flow)
{
    store_close(flow->store);
    flow->store = NULL;
}

static const char *store_flow_reason(int error)
{
    switch (error) {
    case -ENOSPC:
        return "the disk is full";
    case -EROFS:
        return "the directory is read-only";
    case -EIO:
        return "the disk reports errors";
    case -EUCLEAN:
        return "the file is damaged";
    case -EBUSY:
        return "another program holds the file";
    case -EMEDIUMTYPE: /* what is asked for again and again is looked at, never changed */
        return "it is another program's database: move it away, or use another --state-dir";
    default:
        return strerror(-error);
    }
}

static void store_flow_degrade(struct store_flow *flow, int error, uint64_t mono_usec)
{
    char text[STATUS_TEXT_SIZE];
    snprintf(text, sizeof(text), "not storing: %s (%s/" STORE_FILE ")", store_flow_reason(error),
             flow->config.directory);
    store_flow_say(flow, STORE_STATE_DEGRADED, text);
    flow->retry_usec = mono_usec + STORE_FLOW_RETRY_USEC;
}

static int store_flow_open(struct store_flow *flow, struct store_report *ret_report)
{
    int r = store_open(&flow->config, &flow->store, ret_report, NULL);
    if (r < 0)
        return r;
    flow->config.set_aside = false;
    return 0;
}

/* Again, after the daemon has started: what opening did is news. */
static int store_flow_reopen(struct store_flow *flow, uint64_t mono_usec)
{
    struct store_report report;
    int r = store_flow_open(flow, &report);
    if (r < 0) {
        store_flow_degrade(flow, r, mono_usec);
        return r;
    }
    if (report.text[0])
        text_copy(flow->ack.notice, sizeof(flow->ack.notice), report.text);
    flow->ack.forgot_processes = flow->ack.forgot_processes || report.opened != STORE_OPENED;
    flow->ack_changed = true;
    return 0;
}

/* After a failed write. Retrying an fsync that failed would pretend: only a new connection writes
 * the same pages again. A full disk is the one case where the old one is as good. */
static void store_flow_fail(struct store_flow *flow, int error, uint64_t mono_usec)
{
    store_rollback(flow->store);
    store_flow_degrade(flow, error, mono_usec);
    if (error == -ENOSPC)
        return;
    store_flow_close(flow);
    if (error != -EUCLEAN)
        return;
    flow->config.set_aside = true;
    if (store_flow_reopen(flow, mono_usec) == 0)
        flow->retry_usec = 0;
}

/* What the daemon starts from when the file cannot be opened: rules from their copy, and numbers
 * above any that the file can hold. */
static void store_flow_start_without(struct store_flow *flow, int error, uint64_t mono_usec,
                                     struct store_writer_start *start)
{
    store_flow_degrade(flow, error, mono_usec);
    text_copy(start->report.text, sizeof(start->report.text), flow->ack.text);
    store_load_copy(flow->config.directory, &start->content);
    start->content.max_event_id = (int64_t)clock_wall_usec();
    start->content.max_process_row = start->content.max_event_id;
}

int store_flow_init(struct store_flow *flow, const struct store_config *config, uint64_t mono_usec,
                    struct store_writer_start *ret_start)
{
    *flow = (struct store_flow){.config = *config, .ack.state = STORE_STATE_OK};
    flow->directory = strdup(config->directory);
    if (!flow->directory)
        return -ENOMEM;
    flow->config.directory = flow->directory;
    intake_init(&flow->intake, config->max_processes, config->tick_usec);
    flow->config.intake = &flow->intake;
    struct store_writer_start start = {0};
    int r = store_flow_open(flow, &start.report);
    if (r == 0)
        r = store_load(flow->store, &start.content);
    if (r < 0) {
        store_flow_close(flow);
        flow->config.set_aside = r == -EUCLEAN;
        store_flow_start_without(flow, r, mono_usec, &start);
    } else {
        store_size(flow->store, &flow->ack.size_bytes);
        if (store_refresh_copy(flow->store) < 0)
            store_flow_say(flow, STORE_STATE_OK, "the copy of the rules cannot be written");
    }
    start.state = flow->ack.state;
    start.next_row = start.content.max_process_row + 1;
    flow->stored_row = start.content.max_process_row;
    *ret_start = start;
    return 0;
}

void store_flow_take_tick(struct store_flow *flow, struct tick *tick)
{
    flow->ring[(flow->tick_first + flow->tick_count++) % TICK_POOL_TICKS] = tick;
}

static struct tick *store_flow_pop_tick(struct store_flow *flow)
{
    struct tick *tick = flow->ring[flow->tick_first];
    flow->tick_first = (flow->tick_first + 1) % TICK_POOL_TICKS;
    flow->tick_count--;
    return tick;
}

static void store_flow_give_back(struct store_flow *flow, struct tick *tick)
{
    tick_pool_clean(tick);
    flow->done[flow->done_count++] = tick;
}

struct tick *store_flow_done_tick(struct store_flow *flow)
{
    return flow->done_count > 0 ? flow->done[--flow->done_count] : NULL;
}

void store_flow_take_record(struct store_flow *flow, struct store_record *record)
{
    record->next = NULL;
    if (flow->last_record)
        flow->last_record->next = record;
    else
        flow->records = record;
    flow->last_record = record;
}

/* Values come in at their own time, also while the file is away. What is left of a tick is which
 * processes came and went: the oldest ticks give up their own time for that. */
static void store_flow_merge(struct store_flow *flow)
{
    for (size_t i = 0; i < flow->tick_count; i++)
        intake_hold(&flow->intake, flow->ring[(flow->tick_first + i) % TICK_POOL_TICKS]);
    while (flow->tick_count > STORE_FLOW_TICKS) {
        struct tick *older = store_flow_pop_tick(flow);
        tick_merge(older, flow->ring[flow->tick_first], flow->stored_row);
        store_flow_give_back(flow, older);
        flow->ack.losses.merged_ticks++;
        flow->ack_changed = true;
    }
}

static int store_flow_write(struct store_flow *flow, bool durable, bool with_records)
{
    int r = store_begin(flow->store, durable);
    for (size_t i = 0; r == 0 && i < flow->tick_count; i++)
        r = store_write_tick(flow->store, flow->ring[(flow->tick_first + i) % TICK_POOL_TICKS]);
    for (struct store_record *record = with_records ? flow->records : NULL; r == 0 && record;
         record = record->next)
        r = record->write(flow->store, record->payload);
    return r < 0 ? r : store_commit(flow->store);
}

static void store_flow_forget_ticks(struct store_flow *flow)
{
    while (flow->tick_count > 0) {
        struct tick *tick = store_flow_pop_tick(flow);
        for (size_t i = 0; i < tick->process_count; i++)
            if (tick->processes[i].row > flow->stored_row)
                flow->stored_row = tick->processes[i].row;
        store_flow_give_back(flow, tick);
    }
}

static void store_flow_forget_records(struct store_flow *flow)
{
    while (flow->records) {
        struct store_record *record = flow->records;
        flow->records = record->next;
        flow->ack.durable_sequence = record->sequence;
        flow->ack_changed = true;
        free(record);
    }
    flow->last_record = NULL;
}

static void store_flow_on_success(struct store_flow *flow, bool durable, bool with_records,
                                  uint64_t mono_usec)
{
    flow->unflushed = !durable;
    if (durable)
        flow->durable_usec = mono_usec;
    store_flow_forget_ticks(flow);
    if (with_records)
        store_flow_forget_records(flow);
    int r = store_refresh_copy(flow->store);
    store_flow_say(flow, STORE_STATE_OK, r < 0 ? "the copy of the rules cannot be written" : "");
    uint64_t size = flow->ack.size_bytes;
    store_size(flow->store, &size);
    flow->ack_changed = flow->ack_changed || size != flow->ack.size_bytes;
    flow->ack.size_bytes = size;
}

/* One group commit a tick at most: a record that comes soon after one waits for the next. */
static uint64_t store_flow_records_due(const struct store_flow *flow)
{
    if (!flow->records)
        return UINT64_MAX;
    return flow->durable_usec == 0 ? 0 : flow->durable_usec + flow->config.tick_usec;
}

/* What has waited in RAM goes first: it is most, and a disk that does not take it must not be asked
 * with ticks. False: some is left. */
static bool store_flow_catch_up(struct store_flow *flow, uint64_t mono_usec)
{
    uint64_t until = clock_mono_usec() + STORE_FLOW_STEP_USEC;
    bool more = flow->ack.state == STORE_STATE_DEGRADED;
    while (more) {
        int r = store_seal(flow->store, &more);
        if (r < 0) {
            store_flow_fail(flow, r, mono_usec);
            return false;
        }
        if (more && clock_mono_usec() >= until)
            return false;
    }
    return true;
}

static void store_flow_commit(struct store_flow *flow, bool force, uint64_t mono_usec)
{
    bool with_records = flow->records && (force || mono_usec >= store_flow_records_due(flow));
    bool flush = flow->unflushed && mono_usec >= flow->durable_usec + STORE_FLOW_FLUSH_USEC;
    /* Degraded without anything to write: an empty commit tells whether that is over. */
    bool probe = flow->ack.state == STORE_STATE_DEGRADED;
    bool durable = with_records || flush || force || probe;
    if (flow->tick_count == 0 && !durable)
        return;
    int r = store_flow_write(flow, durable, with_records);
    if (r < 0)
        store_flow_fail(flow, r, mono_usec);
    else
        store_flow_on_success(flow, durable, with_records, mono_usec);
}

static void store_flow_expire(struct store_flow *flow, uint64_t mono_usec, uint64_t wall_usec)
{
    uint64_t until = clock_mono_usec() + STORE_FLOW_STEP_USEC;
    bool more = true;
    while (more && clock_mono_usec() < until) {
        more = false;
        int r = store_expire(flow->store, wall_usec, &more);
        if (r < 0) {
            store_flow_fail(flow, r, mono_usec);
            return;
        }
    }
    flow->expire_more = more;
    flow->expire_usec = mono_usec;
}

static bool store_flow_is_ready(struct store_flow *flow, uint64_t mono_usec)
{
    if (mono_usec < flow->retry_usec)
        return false;
    return flow->store || store_flow_reopen(flow, mono_usec) == 0;
}

static uint64_t store_flow_next(const struct store_flow *flow, uint64_t mono_usec)
{
    if (flow->ack.state == STORE_STATE_DEGRADED)
        return flow->retry_usec;
    if (flow->expire_more)
        return mono_usec;
    uint64_t next = store_flow_records_due(flow);
    if (flow->unflushed && flow->durable_usec + STORE_FLOW_FLUSH_USEC < next)
        next = flow->durable_usec + STORE_FLOW_FLUSH_USEC;
    return next;
}

static void store_flow_count_losses(struct store_flow *flow)
{
    struct shelf_status shelf = shelf_status(&flow->intake.shelf);
    struct store_losses losses = {.ticks = flow->intake.lost_ticks,
                                  .rows = shelf.refused_rows,
                                  .logs = shelf.lost_logs,
                                  .merged_ticks = flow->ack.losses.merged_ticks};
    if (memcmp(&losses, &flow->ack.losses, sizeof(losses)) == 0)
        return;
    flow->ack.losses = losses;
    flow->ack_changed = true;
}

void store_flow_step(struct store_flow *flow, uint64_t mono_usec, uint64_t wall_usec,
                     uint64_t *ret_next)
{
    if (store_flow_is_ready(flow, mono_usec) && store_flow_catch_up(flow, mono_usec)) {
        bool wrote = flow->tick_count > 0;
        store_flow_commit(flow, false, mono_usec);
        bool due = wrote && mono_usec >= flow->expire_usec + STORE_FLOW_EXPIRE_EVERY_USEC;
        if (flow->store && flow->ack.state == STORE_STATE_OK && (due || flow->expire_more))
            store_flow_expire(flow, mono_usec, wall_usec);
    }
    store_flow_merge(flow);
    store_flow_count_losses(flow);
    *ret_next = store_flow_next(flow, mono_usec);
}

/* What has no hot row in the file would be gone. */
static void store_flow_seal_all(struct store_flow *flow)
{
    bool more = flow->store != NULL;
    while (more && store_seal(flow->store, &more) == 0)
        ;
}

size_t store_flow_finish(struct store_flow *flow, uint64_t mono_usec)
{
    flow->retry_usec = 0;
    if (store_flow_is_ready(flow, mono_usec))
        store_flow_commit(flow, true, mono_usec);
    store_flow_seal_all(flow);
    size_t lost = 0;
    while (flow->records) {
        struct store_record *record = flow->records;
        flow->records = record->next;
        free(record);
        lost++;
    }
    store_flow_close(flow);
    intake_finish(&flow->intake);
    free(flow->directory);
    return lost;
}
