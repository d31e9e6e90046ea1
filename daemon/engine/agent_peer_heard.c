/* SPDX-License-Identifier: MIT */
/*
 * What an agent has said, as long as somebody vouches for it: remembered, written into the table,
 * passed on; and when it is asked for more.
 */
#include "engine/agent_peer.h"

#include "agents/statistics.h"
#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define PEER_STAT_USEC        (5 * USEC_PER_SEC)
#define PEER_STAT_WANTED_USEC USEC_PER_SEC
/* Reading all pools is worth what 0.05 % of a core gives, and 30 s is young for them. */
#define PEER_POOLS_USEC   (30 * USEC_PER_SEC)
#define PEER_POOLS_FACTOR 2000

/* ---- what others see ---- */

static enum agent_state agent_state_of(const struct agent_peer *peer)
{
    if (peer->state != PEER_CONNECTED || peer->session.state == SESSION_CLOSED)
        return AGENT_STATE_NONE;
    if (peer->session.state == SESSION_HELLO || peer->not_ready)
        return AGENT_STATE_CONNECTING;
    if (peer->session.run.request)
        return AGENT_STATE_BUSY;
    return peer->session.stat_late ? AGENT_STATE_SILENT : AGENT_STATE_READY;
}

void agent_peer_publish(struct agent_peer *peer)
{
    struct table *table = agent_server_config_of(peer->server)->table;
    struct process *process = table_find(table, peer->identity.id);
    if (!process)
        return;
    peer->info.state = agent_state_of(peer);
    process->agent = peer->info.state == AGENT_STATE_NONE ? NULL : &peer->info;
    table_tracked(table, process)->had_agent |= process->agent != NULL;
    if (peer->greeted && table_set_text(table, &process->name, peer->name)) {
        table_tracked(table, process)->identity_changed = true;
        table_glance(table, process)->group_due = true;
    }
    if (peer->stats_usec > sample_time(&process->sample, METRIC_HEAP_TOTAL))
        statistics_into_sample(&peer->stats, peer->stats_usec, &process->sample);
    if (peer->pools_usec > sample_time(&process->sample, METRIC_PY_POOLS))
        statistics_pools_into_sample(&peer->pools, peer->pools_usec, &process->sample);
}

void agent_peer_tell_stats(struct agent_peer *peer)
{
    const struct agent_server_handler *handler = agent_server_handler_of(peer->server);
    if (!peer->stats_claimed)
        return;
    peer->stats_claimed = false;
    handler->on_stats(handler->context, peer->identity.id);
}

void agent_peer_forget(struct agent_peer *peer)
{
    struct process *process =
        table_find(agent_server_config_of(peer->server)->table, peer->identity.id);
    peer->memory = (struct estimate_memory){0};
    peer->backoff = (struct backoff){0};
    peer->stats = (struct control_stats){0};
    peer->stats_usec = 0;
    peer->pools = (struct control_stats){0};
    peer->pools_usec = 0;
    peer->pools_due_usec = 0;
    peer->full_collection_usec = 0;
    if (!process)
        return;
    statistics_forget(&process->sample);
    peer->exec_count = process->exec_count;
}

/* ---- the session's handler ---- */

static void bump_exec_count(struct agent_peer *peer)
{
    struct table *table = agent_server_config_of(peer->server)->table;
    struct process *process = table_find(table, peer->identity.id);
    /* Whoever reads PID/exe may have noticed first. */
    if (!process || process->exec_count != peer->exec_count)
        return;
    process->exec_count++;
    table_tracked(table, process)->identity_changed = true;
}

static void on_hello(void *context, const struct control_hello *hello, bool again)
{
    struct agent_peer *peer = context;
    statistics_into_info(hello, &peer->info);
    text_copy(peer->name, sizeof(peer->name), hello->name);
    peer->not_ready = false;
    if (!again) {
        char text[EVENT_TEXT_SIZE];
        snprintf(text, sizeof(text), "%s%s%s%s%s",
                 peer->info.runtime[0] ? peer->info.runtime : "no runtime",
                 peer->info.allocator[0] ? ", " : "", peer->info.allocator,
                 peer->name[0] ? ", named " : "", peer->name);
        if (peer->returning)
            bump_exec_count(peer);
        agent_server_event(peer->server, peer->returning ? EVENT_KIND_EXEC : EVENT_KIND_HELLO, peer,
                           text);
        peer->greeted = true;
        peer->returning = false;
    }
    peer->stat_soon = true;
    agent_peer_publish(peer);
}

static void remember(struct agent_peer *peer)
{
    const struct control_stats *stats = &peer->stats;
    struct estimate_memory *memory = &peer->memory;
    memory->has_keepcost = stats->has & CONTROL_HAS_MALLOC_KEEPCOST;
    memory->keepcost_bytes = (int64_t)stats->malloc_keepcost_bytes;
    memory->has_free_resident = stats->has & CONTROL_HAS_MALLOC_FREE_RESIDENT;
    memory->free_resident_bytes = (int64_t)stats->malloc_free_resident_bytes;
    memory->has_thresholds = stats->has & CONTROL_HAS_GC_THRESHOLD;
    for (int i = 0; i < 3; i++)
        memory->thresholds[i] = (int64_t)stats->gc_threshold[i];
}

static void remember_pools(struct agent_peer *peer)
{
    if (!(peer->stats.has & CONTROL_HAS_PY_POOLS))
        return;
    uint64_t interval = peer->stats.pools_usec * PEER_POOLS_FACTOR;
    const struct control_classes *blocks = &peer->stats.py_class_blocks;
    peer->memory.has_blocks = blocks->count > 0;
    peer->memory.blocks = 0;
    for (uint32_t i = 0; i < blocks->count; i++)
        peer->memory.blocks += blocks->values[i];
    peer->pools = peer->stats;
    peer->pools_usec = peer->stats_usec;
    const struct process *process =
        table_find(agent_server_config_of(peer->server)->table, peer->identity.id);
    if (!process || !sample_get(&process->sample, METRIC_RSS, &peer->pools_rss_bytes))
        peer->pools_rss_bytes = -1;
    peer->pools_due_usec =
        peer->stats_usec + (interval > PEER_POOLS_USEC ? interval : PEER_POOLS_USEC);
}

/* Its own, or one that was asked for. */
static void remember_collections(struct agent_peer *peer, const struct control_stats *stats)
{
    if (peer->stats.has & stats->has & CONTROL_HAS_GC_COLLECTIONS &&
        stats->gc_collections[2] > peer->stats.gc_collections[2])
        peer->full_collection_usec = clock_mono_usec();
}

static void on_stats(void *context, const struct control_stats *stats)
{
    struct agent_peer *peer = context;
    remember_collections(peer, stats);
    peer->stats = *stats;
    peer->stats_usec = clock_mono_usec();
    peer->not_ready = stats->py_result == CONTROL_RESULT_NOT_READY;
    remember(peer);
    remember_pools(peer);
    agent_peer_publish(peer);
    agent_peer_tell_stats(peer);
}

static void on_stat_refused(void *context, enum control_result why)
{
    struct agent_peer *peer = context;
    peer->not_ready = why == CONTROL_RESULT_NOT_READY;
    agent_peer_publish(peer);
    agent_peer_tell_stats(peer);
}

static void on_stat_late(void *context)
{
    struct agent_peer *peer = context;
    agent_peer_publish(peer);
    agent_peer_tell_stats(peer);
}

static void on_answer(void *context, const struct run_answer *answer)
{
    struct agent_peer *peer = context;
    const struct agent_server_handler *handler = agent_server_handler_of(peer->server);
    /* What a step has changed should be seen soon; to count the pools takes a small part of what a
     * collect does. */
    peer->stat_soon = true;
    if (answer->outcome == RUN_DONE || answer->outcome == RUN_FAILED)
        peer->pools_due_usec = 0;
    agent_peer_publish(peer);
    handler->on_step(handler->context, peer->identity.id, answer);
}

static void on_mark(void *context, const struct control_mark *mark)
{
    struct agent_peer *peer = context;
    char text[EVENT_TEXT_SIZE];
    if (regions_on_mark(&peer->regions, mark, clock_mono_usec(), text))
        agent_server_event(peer->server, EVENT_KIND_REGION, peer, text);
}

static void on_census(void *context, struct census *census)
{
    struct agent_peer *peer = context;
    const struct agent_server_handler *handler = agent_server_handler_of(peer->server);
    handler->on_census(handler->context, peer->identity.id, census);
}

struct session_handler agent_peer_handler(struct agent_peer *peer)
{
    return (struct session_handler){
        .context = peer,
        .on_hello = on_hello,
        .on_stats = on_stats,
        .on_stat_refused = on_stat_refused,
        .on_stat_late = on_stat_late,
        .on_mark = on_mark,
        .on_answer = on_answer,
        .on_census = on_census,
    };
}

/* ---- asking ---- */

static uint64_t stat_interval(const struct agent_peer *peer, uint64_t now_usec)
{
    uint64_t interval = now_usec < peer->wanted_until_usec ? PEER_STAT_WANTED_USEC : PEER_STAT_USEC;
    return statistics_interval_usec(&peer->stats, interval);
}

int agent_peer_ask_stats(struct agent_peer *peer, uint64_t now_usec)
{
    int r = session_request_stat(&peer->session, now_usec >= peer->pools_due_usec, now_usec);
    if (r < 0)
        return r;
    peer->stat_soon = false;
    peer->stat_asked_usec = now_usec;
    agent_peer_wake(peer);
    return 0;
}

void agent_peer_on_tick(struct agent_peer *peer, uint64_t now_usec)
{
    if (peer->state != PEER_CONNECTED || peer->session.state != SESSION_OPEN)
        return;
    agent_peer_publish(peer);
    bool due = peer->stat_soon || now_usec - peer->stat_asked_usec >= stat_interval(peer, now_usec);
    if (due)
        agent_peer_ask_stats(peer, now_usec);
}
