/* SPDX-License-Identifier: MIT */
#include "engine/measure.h"

#include "collect/proc_stat.h"
#include "collect/proc_status.h"

#include <errno.h>
#include <stdlib.h>

/* READ_USS: of smaps_rollup only USS is known. */
enum member_state {
    MEMBER_PENDING,
    MEMBER_READ,
    MEMBER_READ_USS,
    MEMBER_GONE,
    MEMBER_UNREADABLE,
};

struct member {
    struct process_id id;
    enum member_state state;
    struct measure_rollup rollup;
};

struct measurement {
    struct table *table;
    int proc_fd;
    struct process_id target;
    uint64_t deadline_usec;
    void (*done)(void *context, const struct measure_result *result);
    void *context;

    bool finished; /* done was called, or the owner does not care any more */
    bool expects_stats;
    bool too_many;      /* the family is larger than the array */
    size_t outstanding; /* answers that will still come and need this memory */
    size_t count;
    struct member members[MEASURE_FAMILY_LIMIT]; /* the target first */
};

/* ---- who is measured ---- */

static void find_members(struct measurement *measurement)
{
    const struct table *table = measurement->table;
    const struct process *target = table_find(table, measurement->target);
    measurement->members[measurement->count++].id = measurement->target;
    if (!target || target->family_size <= 1)
        return;
    for (size_t i = 0; i < table->count; i++) {
        const struct process *process = &table->processes[i];
        if (!process_id_equal(process->family, target->family) || process == target)
            continue;
        measurement->too_many = measurement->count == MEASURE_FAMILY_LIMIT;
        if (measurement->too_many)
            return;
        measurement->members[measurement->count++].id = process->id;
    }
}

static struct member *find_member(struct measurement *measurement, struct process_id id)
{
    for (size_t i = 0; i < measurement->count; i++)
        if (process_id_equal(measurement->members[i].id, id))
            return &measurement->members[i];
    return NULL;
}

/* ---- what was found ---- */

/* Sum over members of a number that does not depend on their order. */
static uint64_t print_of(struct process_id id)
{
    uint64_t print = (uint64_t)id.pid * UINT64_C(0x9E3779B97F4A7C15) ^ id.start_ticks;
    print *= UINT64_C(0xBF58476D1CE4E5B9);
    return print ^ print >> 31;
}

/* One number for all, or none: a sum with a hole would look like memory given back. */
static void sum_family(const struct measurement *measurement, struct measure_result *result)
{
    int64_t sum_bytes = 0;
    bool whole = !measurement->too_many;
    for (size_t i = 0; i < measurement->count; i++) {
        const struct member *member = &measurement->members[i];
        if (member->state == MEMBER_GONE)
            continue;
        result->family_size++;
        result->family_print += print_of(member->id);
        whole &= member->state == MEMBER_READ;
        sum_bytes += member->rollup.pss_bytes + member->rollup.swap_pss_bytes;
    }
    if (whole)
        measure_set(&result->measure, MEASURE_FAMILY_PSS, sum_bytes);
}

static void refresh_table(const struct measurement *measurement, const struct proc_stat *stat,
                          const struct proc_status *status, uint64_t now_usec)
{
    struct process *target = table_find(measurement->table, measurement->target);
    if (target && stat) {
        sample_set(&target->sample, METRIC_RSS, stat->rss_bytes, now_usec);
        table_glance(measurement->table, target)->rss_bytes = stat->rss_bytes;
    }
    if (target && status)
        proc_status_sample(status, now_usec, &target->sample);
    for (size_t i = 0; i < measurement->count; i++) {
        const struct member *member = &measurement->members[i];
        struct process *process = table_find(measurement->table, member->id);
        if (!process || (member->state != MEMBER_READ && member->state != MEMBER_READ_USS))
            continue;
        sample_set(&process->sample, METRIC_USS, member->rollup.uss_bytes, now_usec);
        if (member->state == MEMBER_READ_USS)
            continue;
        sample_set(&process->sample, METRIC_PSS, member->rollup.pss_bytes, now_usec);
        sample_set(&process->sample, METRIC_SWAP_PSS, member->rollup.swap_pss_bytes, now_usec);
    }
}

/* The target's own numbers, read now. */
static void read_target(const struct measurement *measurement, uint64_t now_usec,
                        struct measure_result *result)
{
    const struct member *target = &measurement->members[0];
    struct proc_stat stat;
    struct proc_status status;
    pid_t pid = measurement->target.pid;
    enum outcome outcome = proc_stat_read(measurement->proc_fd, pid, &stat);
    bool known = outcome == OUTCOME_OK;
    /* A zombie has no memory left. */
    result->gone = target->state == MEMBER_GONE || outcome == OUTCOME_GONE ||
                   (known && (!process_id_equal(stat.id, measurement->target) ||
                              stat.state == 'Z' || stat.state == 'X'));
    if (result->gone)
        return;
    if (known)
        measure_set(&result->measure, MEASURE_RSS, stat.rss_bytes);
    bool has_status = proc_status_read(measurement->proc_fd, pid, &status) == OUTCOME_OK;
    if (has_status && status.present >> PROC_STATUS_SWAP & 1)
        measure_set(&result->measure, MEASURE_SWAP, status.bytes[PROC_STATUS_SWAP]);
    if (target->state == MEMBER_READ)
        measure_set(&result->measure, MEASURE_PSS, target->rollup.pss_bytes);
    if (target->state == MEMBER_READ || target->state == MEMBER_READ_USS)
        measure_set(&result->measure, MEASURE_USS, target->rollup.uss_bytes);
    refresh_table(measurement, known ? &stat : NULL, has_status ? &status : NULL, now_usec);
}

static void complete(struct measurement *measurement, uint64_t now_usec)
{
    struct measure_result result = {0};
    measurement->finished = true;
    sum_family(measurement, &result);
    read_target(measurement, now_usec, &result);
    if (result.family_size == 0)
        result.family_size = 1;
    /* The owner may free the measurement in here. */
    measurement->done(measurement->context, &result);
}

/* ---- asking ---- */

static bool is_whole(const struct measurement *measurement)
{
    return measurement->outstanding == 0 && !measurement->expects_stats;
}

static void on_answer(void *context, struct process_id id, int result,
                      const struct measure_rollup *rollup)
{
    struct measurement *measurement = context;
    struct member *member = find_member(measurement, id);
    measurement->outstanding--;
    if (measurement->finished) {
        /* Freed by its owner while this answer was under way. */
        if (measurement->outstanding == 0 && !measurement->done)
            free(measurement);
        return;
    }
    if (member && result == 0) {
        member->state = rollup->pss_bytes < 0 ? MEMBER_READ_USS : MEMBER_READ;
        member->rollup = *rollup;
    } else if (member) {
        member->state = result == -ESRCH ? MEMBER_GONE : MEMBER_UNREADABLE;
    }
    if (is_whole(measurement))
        complete(measurement, clock_mono_usec());
}

static void ask_members(struct measurement *measurement, const struct measure_source *source)
{
    for (size_t i = 0; i < measurement->count; i++) {
        struct member *member = &measurement->members[i];
        int r = source->rollup ? source->rollup(source->context, member->id, on_answer, measurement)
                               : -EOPNOTSUPP;
        if (r < 0)
            member->state = r == -ESRCH ? MEMBER_GONE : MEMBER_UNREADABLE;
        else
            measurement->outstanding++;
    }
}

int measurement_new(const struct measure_source *source, struct table *table, int proc_fd,
                    struct process_id target, uint64_t now_usec,
                    void (*done)(void *context, const struct measure_result *result), void *context,
                    struct measurement **ret_measurement)
{
    struct measurement *measurement = calloc(1, sizeof(*measurement));
    if (!measurement)
        return -ENOMEM;
    measurement->table = table;
    measurement->proc_fd = proc_fd;
    measurement->target = target;
    measurement->deadline_usec = now_usec + MEASURE_DEADLINE_USEC;
    measurement->done = done;
    measurement->context = context;
    find_members(measurement);
    ask_members(measurement, source);
    *ret_measurement = measurement;
    return 0;
}

void measurement_free(struct measurement *measurement)
{
    if (!measurement)
        return;
    measurement->finished = true;
    measurement->done = NULL;
    if (measurement->outstanding == 0)
        free(measurement);
}

void measurement_expect_stats(struct measurement *measurement)
{
    measurement->expects_stats = true;
}

void measurement_on_stats(struct measurement *measurement)
{
    if (!measurement->expects_stats || measurement->finished)
        return;
    measurement->expects_stats = false;
    if (is_whole(measurement))
        complete(measurement, clock_mono_usec());
}

uint64_t measurement_deadline(const struct measurement *measurement)
{
    if (measurement->finished)
        return UINT64_MAX;
    return is_whole(measurement) ? 0 : measurement->deadline_usec;
}

void measurement_on_time(struct measurement *measurement, uint64_t now_usec)
{
    if (now_usec >= measurement_deadline(measurement))
        complete(measurement, now_usec);
}
