/* SPDX-License-Identifier: MIT */
#include "engine/store_writer.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mailbox.h"
#include "engine/store_flow.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

/* Acks on their way: the loop may be busy with one while the next is made. */
#define STORE_WRITER_ACKS 4
/* An ack that found no free slot is tried again. */
#define STORE_WRITER_ACK_RETRY_MSEC 100

struct store_writer {
    struct mailbox samples, records; /* to the writer: struct tick, struct store_record */
    struct mailbox free_ticks;       /* to the loop */
    struct mailbox acks, free_acks;  /* to the loop and back: struct store_ack */
    pthread_t thread;

    /* The loop's. */
    struct tick *spare[TICK_POOL_TICKS]; /* the one used last on top: its memory is warm */
    size_t spare_count;
    uint64_t sequence, durable_sequence;
    int64_t event_id;

    /* The writer's, once the thread runs. */
    struct store_flow flow;
    bool stopping;
    size_t lost;

    /* Memory of what travels. */
    struct tick_pool pool;
    struct store_ack ack_slots[STORE_WRITER_ACKS];
};

/* ---- the writer's thread ---- */

static void store_writer_take(struct store_writer *writer)
{
    for (void *tick = mailbox_pop(&writer->samples); tick; tick = mailbox_pop(&writer->samples))
        store_flow_take_tick(&writer->flow, tick);
    for (struct store_record *record = mailbox_pop(&writer->records); record;
         record = mailbox_pop(&writer->records)) {
        if (record->write) {
            store_flow_take_record(&writer->flow, record);
            continue;
        }
        free(record);
        writer->stopping = true;
    }
}

static void store_writer_give(struct store_writer *writer)
{
    for (struct tick *tick = store_flow_done_tick(&writer->flow); tick;
         tick = store_flow_done_tick(&writer->flow))
        mailbox_push(&writer->free_ticks, tick);
    if (!writer->flow.ack_changed)
        return;
    struct store_ack *ack = mailbox_pop(&writer->free_acks);
    if (!ack)
        return;
    *ack = writer->flow.ack;
    writer->flow.ack.notice[0] = '\0';
    writer->flow.ack.forgot_processes = false;
    writer->flow.ack_changed = false;
    mailbox_push(&writer->acks, ack);
}

static int store_writer_timeout(const struct store_writer *writer, uint64_t next_usec)
{
    uint64_t now = clock_mono_usec();
    uint64_t msec = next_usec > now ? (next_usec - now + USEC_PER_MSEC - 1) / USEC_PER_MSEC : 0;
    if (writer->flow.ack_changed && msec > STORE_WRITER_ACK_RETRY_MSEC)
        msec = STORE_WRITER_ACK_RETRY_MSEC;
    return next_usec == UINT64_MAX && !writer->flow.ack_changed ? -1
           : msec > INT32_MAX                                   ? INT32_MAX
                                                                : (int)msec;
}

static void store_writer_wait(struct store_writer *writer, uint64_t next_usec)
{
    struct pollfd waiting[] = {{.fd = mailbox_fd(&writer->samples), .events = POLLIN},
                               {.fd = mailbox_fd(&writer->records), .events = POLLIN}};
    poll(waiting, 2, store_writer_timeout(writer, next_usec));
}

static void *store_writer_run(void *context)
{
    struct store_writer *writer = context;
    for (;;) {
        store_writer_take(writer);
        if (writer->stopping)
            break;
        uint64_t next_usec;
        store_flow_step(&writer->flow, clock_mono_usec(), clock_wall_usec(), &next_usec);
        store_writer_give(writer);
        store_writer_wait(writer, next_usec);
    }
    /* A tick may have come in between the look at the samples and that at the records. */
    store_writer_take(writer);
    writer->lost = store_flow_finish(&writer->flow, clock_mono_usec());
    return NULL;
}

/* ---- the loop's side ---- */

static void store_writer_drop_record(void *record)
{
    free(record);
}

static void store_writer_free(struct store_writer *writer)
{
    mailbox_finish(&writer->samples, NULL);
    mailbox_finish(&writer->records, store_writer_drop_record);
    mailbox_finish(&writer->free_ticks, NULL);
    mailbox_finish(&writer->acks, NULL);
    mailbox_finish(&writer->free_acks, NULL);
    tick_pool_finish(&writer->pool);
    free(writer);
}

DEFINE_CLEANUP(struct store_writer *, store_writer_free);

static int store_writer_init_mailboxes(struct store_writer *writer)
{
    struct {
        struct mailbox *mailbox;
        size_t capacity;
    } const wanted[] = {
        {&writer->samples, TICK_POOL_TICKS},
        {&writer->records, STORE_WRITER_RECORDS_HARD + 1}, /* and the stop */
        {&writer->free_ticks, TICK_POOL_TICKS},
        {&writer->acks, STORE_WRITER_ACKS},
        {&writer->free_acks, STORE_WRITER_ACKS},
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        int r = mailbox_init(wanted[i].mailbox, wanted[i].capacity);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < STORE_WRITER_ACKS; i++)
        mailbox_push(&writer->free_acks, &writer->ack_slots[i]);
    return 0;
}

static int store_writer_new(const struct store_writer_config *config,
                            struct store_writer **ret_writer)
{
    _cleanup_(store_writer_freep) struct store_writer *writer = calloc(1, sizeof(*writer));
    if (!writer)
        return -ENOMEM;
    int r = store_writer_init_mailboxes(writer);
    if (r == 0)
        r = tick_pool_init(&writer->pool, config->max_processes);
    if (r < 0)
        return r;
    for (size_t i = 0; i < TICK_POOL_TICKS; i++)
        writer->spare[writer->spare_count++] = &writer->pool.ticks[i];
    *ret_writer = STEAL(writer);
    return 0;
}

int store_writer_start(const struct store_writer_config *config, struct store_writer **ret_writer,
                       struct store_writer_start *ret_start)
{
    _cleanup_(store_writer_freep) struct store_writer *writer = NULL;
    struct store_writer_start start = {0};
    struct store_config store = config->store;
    store.max_processes = config->max_processes;
    int r = store_writer_new(config, &writer);
    if (r == 0)
        r = store_flow_init(&writer->flow, &store, clock_mono_usec(), &start);
    if (r < 0)
        return r;
    writer->event_id = start.content.max_event_id;
    r = -pthread_create(&writer->thread, NULL, store_writer_run, writer);
    if (r < 0) {
        store_flow_finish(&writer->flow, clock_mono_usec());
        store_content_finish(&start.content);
        return r;
    }
    *ret_start = start;
    *ret_writer = STEAL(writer);
    return 0;
}

struct shelf *store_writer_shelf(struct store_writer *writer)
{
    return &writer->flow.intake.shelf;
}

int store_writer_stop(struct store_writer *writer)
{
    if (!writer)
        return 0;
    struct store_record *stop = NULL;
    /* Nothing else can end the thread; memory for this has to come. */
    while (!(stop = store_record_stop()))
        poll(NULL, 0, STORE_WRITER_ACK_RETRY_MSEC);
    mailbox_push(&writer->records, stop);
    pthread_join(writer->thread, NULL);
    int r = writer->lost > 0 ? -EIO : 0;
    store_writer_free(writer);
    return r;
}

uint64_t store_writer_cpu_usec(const struct store_writer *writer)
{
    return clock_of_thread_usec(writer->thread);
}

struct tick *store_writer_tick_get(struct store_writer *writer)
{
    for (struct tick *tick = mailbox_pop(&writer->free_ticks); tick;
         tick = mailbox_pop(&writer->free_ticks))
        writer->spare[writer->spare_count++] = tick;
    return writer->spare_count > 0 ? writer->spare[--writer->spare_count] : NULL;
}

void store_writer_tick_put(struct store_writer *writer, struct tick *tick)
{
    mailbox_push(&writer->samples, tick);
}

size_t store_writer_pending(const struct store_writer *writer)
{
    return (size_t)(writer->sequence - writer->durable_sequence);
}

/* Takes the record, NULL = no memory. */
static int store_writer_push(struct store_writer *writer, struct store_record *record,
                             uint64_t *ret_sequence)
{
    if (!record)
        return -ENOMEM;
    record->sequence = writer->sequence + 1;
    int r = store_writer_pending(writer) < STORE_WRITER_RECORDS_HARD
                ? mailbox_push(&writer->records, record)
                : -ENOBUFS;
    if (r < 0) {
        free(record);
        return r;
    }
    writer->sequence++;
    if (ret_sequence)
        *ret_sequence = writer->sequence;
    return 0;
}

int store_writer_event(struct store_writer *writer, const struct event *event,
                       const struct pin *pin, int64_t *ret_id, uint64_t *ret_sequence)
{
    struct event numbered = *event;
    numbered.id = writer->event_id + 1;
    int r = store_writer_push(writer, store_record_event(&numbered, pin), ret_sequence);
    if (r < 0)
        return r;
    writer->event_id = numbered.id;
    if (ret_id)
        *ret_id = numbered.id;
    return 0;
}

int store_writer_receipt(struct store_writer *writer, const struct receipt *receipt,
                         uint64_t *ret_sequence)
{
    return store_writer_push(writer, store_record_receipt(receipt), ret_sequence);
}

int store_writer_rule_put(struct store_writer *writer, const char *name, const char *text,
                          uint64_t *ret_sequence)
{
    return store_writer_push(writer, store_record_rule_put(name, text), ret_sequence);
}

int store_writer_rule_delete(struct store_writer *writer, const char *name, uint64_t *ret_sequence)
{
    return store_writer_push(writer, store_record_rule_delete(name), ret_sequence);
}

int store_writer_arming_put(struct store_writer *writer, const struct rule_arming *arming,
                            uint64_t *ret_sequence)
{
    return store_writer_push(writer, store_record_arming_put(arming), ret_sequence);
}

int store_writer_arming_delete(struct store_writer *writer, const char *name,
                               uint64_t *ret_sequence)
{
    return store_writer_push(writer, store_record_arming_delete(name), ret_sequence);
}

int store_writer_setting(struct store_writer *writer, const char *name, const char *value,
                         uint64_t *ret_sequence)
{
    if (strlen(name) >= STORE_SETTING_NAME_SIZE ||
        (value && strlen(value) >= STORE_SETTING_VALUE_SIZE))
        return -E2BIG;
    return store_writer_push(writer, store_record_setting(name, value), ret_sequence);
}

int store_writer_acks_fd(const struct store_writer *writer)
{
    return mailbox_fd(&writer->acks);
}

bool store_writer_ack_pop(struct store_writer *writer, struct store_ack *ret_ack)
{
    struct store_ack *ack = mailbox_pop(&writer->acks);
    if (!ack)
        return false;
    *ret_ack = *ack;
    writer->durable_sequence = ack->durable_sequence;
    mailbox_push(&writer->free_acks, ack);
    return true;
}
