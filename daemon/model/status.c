/* SPDX-License-Identifier: MIT */
#include "model/status.h"

const char *stage_name(enum stage stage)
{
#define X(id, name, help) name,
    static const char *const names[] = {STAGE_TABLE(X)};
#undef X
    return names[stage];
}

const char *stage_help(enum stage stage)
{
#define X(id, name, help) help,
    static const char *const helps[] = {STAGE_TABLE(X)};
#undef X
    return helps[stage];
}

const char *status_outcome_name(size_t outcome)
{
    static const char *const names[STATUS_OUTCOMES] = {"ok",     "gone",      "denied",
                                                       "absent", "malformed", "failed"};
    return names[outcome];
}

/* 1 s, the period: such a tick begins when the next one is due. */
static const uint64_t late_bounds_usec[STATUS_LATE_BUCKETS] = {
    500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 1000000, UINT64_MAX};

uint64_t status_late_bound_usec(size_t bucket)
{
    return late_bounds_usec[bucket];
}

void status_count_late(struct status *status, uint64_t late_usec)
{
    size_t bucket = 0;
    while (late_usec > late_bounds_usec[bucket])
        bucket++;
    status->tick_late_counts[bucket]++;
    status->tick_late_usec = late_usec;
    status->tick_late_usec_total += late_usec;
}

const char *probe_state_name(enum probe_state state)
{
    static const char *const names[] = {
        [PROBE_STATE_OK] = "ok", [PROBE_STATE_LIMITED] = "limited", [PROBE_STATE_DOWN] = "down"};
    return names[state];
}

const char *store_state_name(enum store_state state)
{
    static const char *const names[] = {
        [STORE_STATE_OK] = "ok", [STORE_STATE_DEGRADED] = "degraded", [STORE_STATE_OFF] = "off"};
    return names[state];
}

const char *psi_state_name(enum psi_state state)
{
    static const char *const names[] = {[PSI_STATE_POLLED] = "polled",
                                        [PSI_STATE_TRIGGER] = "trigger",
                                        [PSI_STATE_ABSENT] = "absent"};
    return names[state];
}

const char *oom_log_name(enum oom_log log)
{
    static const char *const names[OOM_LOG_COUNT] = {[OOM_LOG_NONE] = "none",
                                                     [OOM_LOG_DENIED] = "denied",
                                                     [OOM_LOG_KMSG] = "kmsg",
                                                     [OOM_LOG_JOURNAL] = "journal"};
    return names[log];
}
