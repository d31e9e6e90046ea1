/* SPDX-License-Identifier: MIT */
#include "engine/ledgers.h"

#include "base/clock.h"
#include "base/text.h"
#include "diagnose/ledger.h"
#include "diagnose/neighbour.h"
#include "diagnose/verdict.h"
#include "engine/eyes_state.h"
#include "engine/head.h"
#include "engine/reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A person waits; afterwards the answer is made from what there is. */
#define LEDGERS_WAIT_USEC (10 * USEC_PER_SEC)

/* What an agent is asked for beside its reading of malloc: pools younger than this are fresh. */
#define LEDGERS_POOLS_USEC (1 * USEC_PER_SEC)

/* --- evidence --- */

/* In permyriad of RSS: more than a scan that is a tick late would see. */
#define LEDGERS_MOVED 1000

/* Pools were counted, from outside or by the agent, and RSS has moved since. */
static bool has_moved(int64_t rss_then, int64_t rss_now)
{
    return llabs(rss_now - rss_then) > rss_now / 10000 * LEDGERS_MOVED;
}

static bool pools_are_from_outside(const struct tracked *tracked, const struct process *process)
{
    return sample_has(&process->sample, METRIC_PY_USED) &&
           sample_time(&process->sample, METRIC_PY_USED) == tracked->scan.done_usec;
}

static bool pools_are_stale(const struct tracked *tracked, const struct evidence *evidence)
{
    const struct process *process = evidence->process;
    const struct agent_report *agent = evidence->agent;
    int64_t rss;
    if (!sample_get(&process->sample, METRIC_RSS, &rss))
        return false;
    if (evidence->layers)
        rss = evidence->layers->rss_bytes;
    if (pools_are_from_outside(tracked, process))
        return has_moved(tracked->scan.rss_bytes, rss);
    return agent && agent->pools_rss_bytes >= 0 && has_moved(agent->pools_rss_bytes, rss);
}

static void fill_family(const struct table *table, const struct process *process,
                        struct evidence_family *ret_family)
{
    struct evidence_family family = {.members = process->family_size, .has_pss = true};
    if (process->family_size < 2)
        return;
    for (size_t i = 0; i < table->count; i++) {
        int64_t pss;
        if (!process_id_equal(table->processes[i].family, process->family))
            continue;
        if (sample_get(&table->processes[i].sample, METRIC_PSS, &pss))
            family.pss_bytes += pss;
        else
            family.has_pss = false;
    }
    family.is_worker = !process_id_equal(process->family, process->id);
    family.has_copied = process->cow_loss_bytes >= 0;
    family.copied_bytes = process->cow_loss_bytes;
    *ret_family = family;
}

static void fill_neighbour(const struct head *head, struct evidence *evidence)
{
    const struct process *process = evidence->process;
    const char *cmdline = table_tracked(&head->table, process)->full_cmdline;
    int64_t machine_bytes = 0;
    if (!evidence->cgroup || !cgroup_get(evidence->cgroup, CGROUP_VALUE_LIMIT, &machine_bytes))
        sample_get(&head->host, METRIC_MEM_TOTAL, &machine_bytes);
    neighbour_find(process->comm, cmdline ? cmdline : "", machine_bytes, &evidence->neighbour);
}

/* What evidence borrows and nobody else keeps. */
struct ledgers_material {
    struct agent_report agent;
    struct prediction trim, collect;
};

static void fill_agent(struct head *head, struct ledgers_material *material,
                       struct evidence *evidence)
{
    static const struct estimate_memory nothing;
    const struct process *process = evidence->process;
    const struct estimate_memory *memory = agent_server_memory(head->agents, process->id);
    if (agent_server_report(head->agents, process->id, evidence->now_usec, &material->agent) < 0)
        return;
    if (!memory)
        memory = &nothing;
    material->trim = estimate_trim(&process->sample, memory);
    material->collect = estimate_collect(&process->sample, memory, process->family_size);
    if (material->agent.has_full_collection)
        evidence->full_collection_usec =
            evidence->now_usec - material->agent.full_collection_age_usec;
    evidence->agent = &material->agent;
    evidence->trim = &material->trim;
    evidence->collect = &material->collect;
}

static void fill_before(const struct head *head, struct evidence *evidence)
{
    const struct process *process = evidence->process;
    struct growth_note note = growth_before(&table_tracked(&head->table, process)->growth);
    evidence->has_before = note.mono_usec != 0;
    evidence->rss_before_bytes = note.rss_bytes;
    evidence->before_usec = note.mono_usec;
    if (evidence->layers)
        evidence->layers_before = layer_shelf_before(&head->eyes->shelf, process->id);
}

/* --- answers --- */

static void diagnose(struct head *head, const struct ledgers_order *order,
                     const struct process *process, struct diagnosis *diagnosis)
{
    struct ledgers_material material = {0};
    struct evidence evidence = {
        .now_usec = clock_mono_usec(),
        .process = process,
        .host = &head->host,
        .layers = order->has_layers ? &order->layers : NULL,
        .cgroup = cgroups_of(head->cgroups, process),
        .is_python = neighbour_is_python(process->comm),
    };
    fill_family(&head->table, process, &evidence.family);
    fill_neighbour(head, &evidence);
    fill_agent(head, &material, &evidence);
    fill_before(head, &evidence);
    evidence.pools_stale = pools_are_stale(table_tracked(&head->table, process), &evidence);
    *diagnosis = (struct diagnosis){.id = process->id,
                                    .mono_usec = evidence.now_usec,
                                    .has_layers = order->has_layers,
                                    .layers = order->layers};
    if (!order->has_layers)
        text_copy(diagnosis->missing, sizeof(diagnosis->missing), order->missing);
    ledger_make(&evidence, &diagnosis->ledger);
    verdict_make(&evidence, &diagnosis->ledger, &diagnosis->verdict);
}

/* Takes the order's command. */
static void answer(struct head *head, const struct ledgers_order *order)
{
    struct command *command = order->command;
    const struct process *process = table_find(&head->table, command->target.id);
    command->diagnosis = process ? calloc(1, sizeof(*command->diagnosis)) : NULL;
    if (!process) {
        command_refuse(command, COMMAND_NOT_FOUND, "there is no such process (any more)");
    } else if (!command->diagnosis) {
        command_refuse(command, COMMAND_UNAVAILABLE, "out of memory");
    } else {
        diagnose(head, order, process, command->diagnosis);
        command->result = COMMAND_OK;
    }
    reply_send(command);
}

static void arm(struct ledgers *ledgers)
{
    uint64_t until_usec = UINT64_MAX;
    for (size_t i = 0; i < ledgers->count; i++)
        if (ledgers->orders[i].until_usec < until_usec)
            until_usec = ledgers->orders[i].until_usec;
    sd_event_source_set_time(ledgers->timer, until_usec);
    sd_event_source_set_enabled(ledgers->timer,
                                ledgers->count > 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

/* Answers what waits for nothing any more. */
static void settle(struct head *head, uint64_t now_usec)
{
    struct ledgers *ledgers = &head->ledgers;
    for (size_t i = ledgers->count; i-- > 0;) {
        struct ledgers_order *order = &ledgers->orders[i];
        bool waits = order->wants_layers || order->wants_stats;
        if (waits && now_usec < order->until_usec)
            continue;
        answer(head, order);
        *order = ledgers->orders[--ledgers->count];
    }
    arm(ledgers);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *context)
{
    (void)source;
    (void)usec;
    settle(context, clock_mono_usec());
    return 0;
}

/* What keeps the probe from telling; result as of eyes_layers(). */
static const char *missing_text(int result)
{
    static const struct {
        int result;
        const char *text;
    } rows[] = {
        {-EACCES, "the probe may not read this process: it needs CAP_SYS_PTRACE"},
        {-EPERM, "the probe may not read this process: it needs CAP_SYS_PTRACE"},
        {-EFBIG, "to read its mappings would hold the process up for too long"},
        {-EBUSY, "the probe has used up its share of the processor; try again"},
        {-ENOBUFS, "the probe is asked too much at once; try again"},
        {-ETIMEDOUT, "the process did not let its mappings be read in time"},
        {-ENODEV, "there is no probe"},
        {-EPIPE, "the probe is being started again; try again"},
        {-ENODATA, "the process has no memory: it is ending"},
        {-ESRCH, "the process is ending"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].result == result)
            return rows[i].text;
    return "its mappings could not be read";
}

static void on_layers(void *context, struct process_id id, int result, const struct layers *layers)
{
    struct head *head = context;
    struct ledgers *ledgers = &head->ledgers;
    for (size_t i = 0; i < ledgers->count; i++) {
        struct ledgers_order *order = &ledgers->orders[i];
        if (!order->wants_layers || !process_id_equal(order->command->target.id, id))
            continue;
        order->wants_layers = false;
        order->has_layers = layers != NULL;
        if (layers)
            order->layers = *layers;
        else
            text_copy(order->missing, sizeof(order->missing), missing_text(result));
    }
    settle(head, clock_mono_usec());
}

void ledgers_on_stats(struct head *head, struct process_id id)
{
    struct ledgers *ledgers = &head->ledgers;
    bool any = false;
    for (size_t i = 0; i < ledgers->count; i++) {
        if (!process_id_equal(ledgers->orders[i].command->target.id, id))
            continue;
        any |= ledgers->orders[i].wants_stats;
        ledgers->orders[i].wants_stats = false;
    }
    if (any)
        settle(head, clock_mono_usec());
}

/* Pools that were not counted, or before the process changed: whoever asks again will have them. */
static void scan_anew(struct head *head, struct process_id id)
{
    const struct process *process = table_find(&head->table, id);
    if (!process)
        return;
    const struct tracked *tracked = table_tracked(&head->table, process);
    int64_t rss;
    if (!sample_has(&process->sample, METRIC_PY_USED) ||
        (pools_are_from_outside(tracked, process) &&
         sample_get(&process->sample, METRIC_RSS, &rss) && has_moved(tracked->scan.rss_bytes, rss)))
        scans_ask(head, process);
}

void ledgers_take(struct head *head, struct command *command)
{
    struct ledgers *ledgers = &head->ledgers;
    int r = 0;
    if (!ledgers->timer)
        r = sd_event_add_time(head->event, &ledgers->timer, CLOCK_MONOTONIC, 0, 0, on_timer, head);
    if (r < 0 || ledgers->count == LEDGERS_LIMIT) {
        command_refuse(command, COMMAND_UNAVAILABLE, "too many ledgers at a time; try again");
        reply_send(command);
        return;
    }
    struct process_id id = command->target.id;
    uint64_t now_usec = clock_mono_usec();
    struct ledgers_order *order = &ledgers->orders[ledgers->count++];
    *order = (struct ledgers_order){.command = command, .until_usec = now_usec + LEDGERS_WAIT_USEC};
    agent_server_want_pools(head->agents, id, LEDGERS_POOLS_USEC, now_usec);
    order->wants_stats = agent_server_stat_now(head->agents, id) == 0;
    r = eyes_layers(head, id, on_layers, head);
    order->wants_layers = r == 0;
    text_copy(order->missing, sizeof(order->missing), missing_text(r < 0 ? r : -ETIMEDOUT));
    scan_anew(head, id);
    settle(head, now_usec);
}

void ledgers_stop(struct head *head)
{
    struct ledgers *ledgers = &head->ledgers;
    for (size_t i = 0; i < ledgers->count; i++) {
        command_refuse(ledgers->orders[i].command, COMMAND_UNAVAILABLE, "memtend is stopping");
        reply_send(ledgers->orders[i].command);
    }
    ledgers->count = 0;
    ledgers->timer = sd_event_source_disable_unref(ledgers->timer);
}
