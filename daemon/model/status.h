/* SPDX-License-Identifier: MIT */
/*
 * How memtend itself is doing: what /api/v1/status, /metrics and `memtend doctor` say. Filled by
 * the loop each tick, published with the snapshot. Plain data.
 */
#ifndef MEMTEND_MODEL_STATUS_H
#define MEMTEND_MODEL_STATUS_H

#include "model/cgroup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum probe_state { PROBE_STATE_OK, PROBE_STATE_LIMITED, PROBE_STATE_DOWN };
enum store_state { STORE_STATE_OK, STORE_STATE_DEGRADED, STORE_STATE_OFF };
/* Where the names of those that the OOM killer killed come from. */
enum oom_log {
    OOM_LOG_NONE,   /* neither may be read, or there is none */
    OOM_LOG_DENIED, /* the journal is there, but not for us */
    OOM_LOG_KMSG,
    OOM_LOG_JOURNAL,
    OOM_LOG_COUNT,
};

enum psi_state { PSI_STATE_POLLED, PSI_STATE_TRIGGER, PSI_STATE_ABSENT };

/*
 * What the daemon spends its CPU time on. All of them together are the head; the probe's own time
 * is probe_deep_usec_total.
 */
#define STAGE_TABLE(X)                                                                             \
    X(DISCOVER, "discover", "list the processes there are")                                        \
    X(FAST, "fast", "RSS of every process, PID/stat of some")                                      \
    X(SLOW, "slow", "PID/status and cgroup of some")                                               \
    X(HOST, "host", "files of the host")                                                           \
    X(CGROUPS, "cgroups", "memory files of control groups, limits")                                \
    X(PROBE, "probe", "ask the probe")                                                             \
    X(RULES, "rules", "families and rules")                                                        \
    X(STORE, "store", "what changed, to the disk (with the writer's thread)")                      \
    X(PUBLISH, "publish", "the snapshot for readers")                                              \
    X(AGENTS, "agents", "agents, commands and answers of the probe between two ticks")             \
    X(HTTP, "http", "the HTTP server and queries of the history (their threads)")

enum stage {
#define X(id, name, help) STAGE_##id,
    STAGE_TABLE(X)
#undef X
        STAGE_COUNT,
};

struct stage_cost {
    uint64_t usec_total; /* CPU since start */
    uint64_t last_usec;  /* of that in the last tick and since the one before it */
};

/* Readings of files of processes by how they ended: as many as collect/outcome.h has outcomes. */
#define STATUS_OUTCOMES 6

/* What the store was given and does not have, since start. All of it stays 0 on a machine with
 * memory and a disk that is never away for longer than an hour. */
struct store_losses {
    uint64_t ticks;        /* for whose values there was no memory */
    uint64_t rows;         /* values of processes beyond those that there is room for */
    uint64_t logs;         /* of one process in ten minutes: given up, the file was away too long */
    uint64_t merged_ticks; /* whose own time of who came and went was given up */
};

/* Ticks by how late they began: at most the bound of the bucket, the last has none. */
#define STATUS_LATE_BUCKETS 10

#define STATUS_TEXT_SIZE     160
#define STATUS_MISSING_LIMIT 8
#define STATUS_ADDRESS_SIZE  80
#define STATUS_PATH_SIZE     512

struct status {
    uint64_t started_wall_usec;
    uint64_t uptime_usec;
    uint64_t ticks;
    uint64_t ticks_dropped;      /* sample ticks the store could not take */
    uint64_t tick_usec;          /* configured period */
    uint64_t tick_duration_usec; /* CPU and waiting of the last one */
    uint64_t tick_late_usec;
    uint64_t tick_late_usec_total;
    uint64_t tick_late_counts[STATUS_LATE_BUCKETS]; /* each tick in one of them */
    uint64_t ticks_skipped; /* not begun, because the one before took so long */
    struct stage_cost stages[STAGE_COUNT];
    uint64_t reads[STATUS_OUTCOMES];
    size_t kept_files, kept_files_limit; /* descriptors of PID/statm */
    uint64_t kept_kernel_bytes;          /* what they hold in the kernel, about */
    size_t processes, processes_unreadable;
    size_t agents, agents_ready;
    size_t rules, rules_armed;
    uint64_t actions_total;
    int64_t freed_bytes_total; /* over finished receipts since start */

    bool paused;
    uint64_t paused_until_wall_usec; /* 0 = until resumed */
    char pause_reason[STATUS_TEXT_SIZE];

    enum probe_state probe;
    uint64_t probe_restarts;
    uint64_t probe_deep_usec_total;
    char probe_detail[STATUS_TEXT_SIZE];

    enum store_state store;
    size_t store_queue;
    uint64_t store_size_bytes;
    struct store_losses store_losses;
    char store_detail[STATUS_TEXT_SIZE];

    enum psi_state psi;
    enum oom_log oom_log;
    enum cgroup_kind cgroup_kind;
    size_t cgroups; /* looked at */
    uid_t uid;
    char http_address[STATUS_ADDRESS_SIZE]; /* "127.0.0.1:6368" as bound; "" = no TCP */
    char state_directory[STATUS_PATH_SIZE];
    bool roles_separated;       /* the probe runs under its own unit and rights */
    int64_t self_private_bytes; /* Private_Dirty + swap of all roles; -1 = unknown */
    int64_t self_rss_bytes;
    int64_t self_cpu_permyriad;

    size_t missing_count;
    char missing[STATUS_MISSING_LIMIT][STATUS_TEXT_SIZE]; /* what cannot be seen and the fix */
};

const char *stage_name(enum stage stage);
const char *stage_help(enum stage stage);
/* "ok", "gone", "denied", … */
const char *status_outcome_name(size_t outcome);
/* Bound of a bucket; UINT64_MAX for the last. */
uint64_t status_late_bound_usec(size_t bucket);
/* Puts a tick into its bucket. */
void status_count_late(struct status *status, uint64_t late_usec);
const char *probe_state_name(enum probe_state state);
const char *store_state_name(enum store_state state);
const char *psi_state_name(enum psi_state state);
const char *oom_log_name(enum oom_log log); /* "none", "denied", "kmsg", "journal" */

#endif
