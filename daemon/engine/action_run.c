/* SPDX-License-Identifier: MIT */
#include "engine/action_run.h"

#include "base/clock.h"
#include "collect/proc_owner.h"

#include <errno.h>
#include <stdlib.h>

const struct receipt *action_run_receipt(const struct action_run *run)
{
    return &run->ladder.receipt;
}

static struct process_id target_of(const struct action_run *run)
{
    return run->ladder.receipt.target;
}

static uint64_t earlier(uint64_t a_usec, uint64_t b_usec)
{
    return a_usec < b_usec ? a_usec : b_usec;
}

void action_run_arm(struct action_run *run)
{
    uint64_t due_usec = run->wake_usec;
    if (ladder_is_finished(&run->ladder) && !run->recorded)
        due_usec = 0;
    if (!ladder_is_finished(&run->ladder))
        due_usec = earlier(due_usec, run->ladder.deadline_usec);
    if (run->measurement)
        due_usec = earlier(due_usec, measurement_deadline(run->measurement));
    sd_event_source_set_time(run->timer, due_usec);
    sd_event_source_set_enabled(run->timer,
                                due_usec == UINT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

/* ---- what is learned for the next prediction ---- */

static void learn_slack(struct action_run *run)
{
    const struct process *process = table_find(run->config->table, target_of(run));
    struct estimate_memory *memory = agent_server_memory(run->config->agents, target_of(run));
    /* Only from statistics that are newer than the trim. */
    if (!process || !memory || sample_time(&process->sample, METRIC_HEAP_USED) < run->measure_usec)
        return;
    memory->has_slack = estimate_slack(&process->sample, &memory->slack_bytes);
}

static void learn_pause(struct action_run *run, const struct run_answer *answer)
{
    struct estimate_memory *memory = agent_server_memory(run->config->agents, target_of(run));
    if (memory)
        estimate_learn_collect(memory, run->objects_before, answer->objects, answer->pause_usec);
}

/* ---- the ladder's ops ---- */

static bool ops_paused(void *context)
{
    const struct action_run *run = context;
    return run->config->paused(run->config->context, run->ladder.receipt.rule);
}

static bool ops_alive(void *context, struct process_id id)
{
    const struct action_run *run = context;
    return table_find(run->config->table, id) != NULL;
}

static void on_measured(void *context, const struct measure_result *result)
{
    struct action_run *run = context;
    measurement_free(run->measurement);
    run->measurement = NULL;
    if (run->ladder.state == LADDER_MEASURE_AFTER && run->step == STEP_TRIM)
        learn_slack(run);
    const struct ladder_measure measure = {
        .measure = result->measure,
        .gone = result->gone,
        .family_size = result->family_size,
        .family_print = result->family_print,
    };
    ladder_on_measure(&run->ladder, run->measure_number, &measure, clock_mono_usec());
    action_run_arm(run);
}

static int ops_measure(void *context, struct process_id id, uint64_t number)
{
    struct action_run *run = context;
    const struct actions_config *config = run->config;
    measurement_free(run->measurement);
    run->measurement = NULL;
    run->measure_number = number;
    run->measure_usec = clock_mono_usec();
    int r = measurement_new(&config->rollups, config->table, config->proc_fd, id, run->measure_usec,
                            on_measured, run, &run->measurement);
    if (r < 0)
        return r;
    if (agent_server_stat_now(config->agents, id) == 0)
        measurement_expect_stats(run->measurement);
    return 0;
}

static void ops_predict(void *context, struct process_id id, enum step_kind step,
                        struct prediction *ret_prediction)
{
    static const struct estimate_memory nothing;
    const struct action_run *run = context;
    const struct process *process = table_find(run->config->table, id);
    const struct estimate_memory *memory = agent_server_memory(run->config->agents, id);
    if (!process)
        return;
    if (!memory)
        memory = &nothing;
    switch (step) {
    case STEP_HOOKS: /* the program alone knows what it will drop: the ladder bounds it */
        *ret_prediction = (struct prediction){.high_bytes = INT64_MAX, .pause_usec = -1};
        return;
    case STEP_COLLECT:
        *ret_prediction = estimate_collect(&process->sample, memory, process->family_size);
        return;
    case STEP_TRIM:
        *ret_prediction = estimate_trim(&process->sample, memory);
        return;
    case STEP_FREEZE: /* gives nothing back; three list heads change hands */
    case STEP_KIND_COUNT:
        *ret_prediction = (struct prediction){0};
    }
}

static bool ops_suspends(void *context, struct process_id id, enum step_kind step,
                         char ret_note[static RECEIPT_NOTE_SIZE])
{
    const struct action_run *run = context;
    const struct backoff *backoff = agent_server_backoff(run->config->agents, id);
    return backoff && backoff_suspends(backoff, step, clock_mono_usec(), ret_note);
}

static int64_t ops_headroom(void *context)
{
    const struct action_run *run = context;
    int64_t bytes;
    return sample_get(run->config->host, METRIC_MEM_AVAILABLE, &bytes) ? bytes : -1;
}

static int ops_send(void *context, struct process_id id, enum step_kind step,
                    uint64_t max_pause_usec, uint64_t number)
{
    struct action_run *run = context;
    const struct process *process = table_find(run->config->table, id);
    if (!process || !estimate_objects(&process->sample, &run->objects_before))
        run->objects_before = -1;
    uint64_t request;
    if (run->bound && proc_owner_check(run->config->proc_fd, id, run->uid) != PROC_OWNER_SAME)
        return -EPERM;
    int r = agent_server_run(run->config->agents, id, step, max_pause_usec, &request);
    if (r < 0)
        return r;
    run->step = step;
    run->step_number = number;
    run->step_request = request;
    return 0;
}

/* ---- inputs ---- */

static enum ladder_end end_of(enum run_outcome outcome)
{
    static const enum ladder_end ends[] = {
        [RUN_DONE] = LADDER_STEP_DONE,         [RUN_BUSY] = LADDER_STEP_BUSY,
        [RUN_REFUSED] = LADDER_STEP_REFUSED,   [RUN_FAILED] = LADDER_STEP_FAILED,
        [RUN_SILENT] = LADDER_STEP_SILENT,     [RUN_LOST] = LADDER_STEP_LOST,
        [RUN_DISTRUST] = LADDER_STEP_DISTRUST,
    };
    return ends[outcome];
}

void action_run_on_answer(struct action_run *run, const struct run_answer *answer)
{
    if (run->step_request != answer->request)
        return;
    run->step_request = 0;
    if (answer->outcome == RUN_DONE && answer->step == STEP_COLLECT)
        learn_pause(run, answer);
    const struct ladder_answer passed_on = {
        .end = end_of(answer->outcome),
        .objects = answer->objects,
        .pause_usec = answer->pause_usec,
        .note = answer->note,
    };
    ladder_on_answer(&run->ladder, run->step_number, &passed_on, clock_mono_usec());
    action_run_arm(run);
}

void action_run_on_stats(struct action_run *run)
{
    if (run->measurement)
        measurement_on_stats(run->measurement);
}

void action_run_on_exit(struct action_run *run)
{
    ladder_on_exit(&run->ladder, clock_mono_usec());
    action_run_arm(run);
}

static int on_timer(sd_event_source *source, uint64_t due_usec, void *context)
{
    (void)source;
    (void)due_usec;
    struct action_run *run = context;
    uint64_t now_usec = clock_mono_usec(), next;
    if (run->measurement)
        measurement_on_time(run->measurement, now_usec);
    ladder_on_time(&run->ladder, now_usec, &next);
    bool finished = ladder_is_finished(&run->ladder);
    if ((finished && !run->recorded) || now_usec >= run->wake_usec)
        run->on_due(run);
    else
        action_run_arm(run);
    return 0;
}

/* ---- life ---- */

int action_run_new(const struct actions_config *config, const struct ladder_order *order,
                   void (*on_due)(struct action_run *run), void *owner, struct action_run **ret_run)
{
    struct action_run *run = calloc(1, sizeof(*run));
    if (!run)
        return -ENOMEM;
    run->config = config;
    run->owner = owner;
    run->on_due = on_due;
    run->wake_usec = UINT64_MAX;
    const struct ladder_ops ops = {
        .context = run,
        .paused = ops_paused,
        .alive = ops_alive,
        .measure = ops_measure,
        .predict = ops_predict,
        .suspends = order->receipt.rule[0] ? ops_suspends : NULL, /* a person knows better */
        .headroom_bytes = ops_headroom,
        .send = ops_send,
    };
    ladder_init(&run->ladder, order, &ops);
    int r = sd_event_add_time(config->event, &run->timer, CLOCK_MONOTONIC, 0, USEC_PER_MSEC,
                              on_timer, run);
    if (r < 0) {
        action_run_free(run);
        return r;
    }
    *ret_run = run;
    return 0;
}

void action_run_free(struct action_run *run)
{
    if (!run)
        return;
    measurement_free(run->measurement);
    sd_event_source_disable_unref(run->timer);
    free(run);
}
