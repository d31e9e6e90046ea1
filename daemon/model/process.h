/* SPDX-License-Identifier: MIT */
/*
 * One process as memtend knows it. The identity is pid and start time in clock ticks since boot,
 * written "4711-88213": unique within a boot, kept over exec. All text in it has gone through
 * text_clean(). Plain data but for three borrowed texts and what its agent said: the loop's texts
 * are the table's, all of a published snapshot are the snapshot's own.
 */
#ifndef MEMTEND_MODEL_PROCESS_H
#define MEMTEND_MODEL_PROCESS_H

#include "model/sample.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process_id {
    pid_t pid;
    uint64_t start_ticks; /* PID/stat field 22, USER_HZ */
};

#define PROCESS_ID_SIZE      32 /* "4194304-18446744073709551615" and NUL */
#define PROCESS_COMM_SIZE    48 /* 15 bytes, each at worst a 3-byte U+FFFD, and NUL */
#define PROCESS_NAME_SIZE    48
#define PROCESS_UNIT_SIZE    96
#define PROCESS_CMDLINE_SIZE 256 /* redacted; cut there */

enum agent_state {
    AGENT_STATE_NONE,       /* no agent has said hello */
    AGENT_STATE_CONNECTING, /* connected, its runtime is not ready yet */
    AGENT_STATE_READY,
    AGENT_STATE_BUSY,   /* a run is under way */
    AGENT_STATE_SILENT, /* did not answer in time */
};

/* Why a value that takes a deep reading is absent. */
enum absence {
    ABSENCE_NOT_YET,    /* its turn will come */
    ABSENCE_TOO_DEAR,   /* to read it would hold the process up for too long */
    ABSENCE_DENIED,     /* the probe lacks the right */
    ABSENCE_UNREADABLE, /* the last reading hung: left alone for a while */
    ABSENCE_NO_MEMORY,  /* a zombie */
    ABSENCE_COUNT,
};

struct agent_info {
    enum agent_state state;
    char runtime[24];    /* "cpython 3.13.0", "" = none found */
    char allocator[24];  /* "glibc 2.36" */
    char interpreter[8]; /* which one its collector belongs to: "main", "" = none */
    uint32_t version;    /* protocol version */
};

/* What a process is in its group; filled by engine/groups. */
enum process_role {
    PROCESS_ROLE_NONE,   /* of no worker family */
    PROCESS_ROLE_MASTER, /* forks the others, or started those that do */
    PROCESS_ROLE_WORKER,
    PROCESS_ROLE_HELPER, /* serves the others: a forkserver, a resource tracker */
};

/* There may be ten thousands of these: small fields stand together, so that there are no holes. */
struct process {
    struct process_id id;
    pid_t ppid;
    uid_t uid;
    uint32_t exec_count;
    bool kernel_thread;
    enum process_role role : 8;
    /* Of no meaning while the sample has them. */
    enum absence pss_absence : 8, uss_absence : 8;
    uint64_t exe_device, exe_inode; /* of PID/exe; both 0 = unknown */
    /*
     * Where the stack began. exec draws it anew (address space randomisation), fork keeps it: two
     * relatives with the same one have not called exec since they parted. 0 = unknown.
     */
    uint64_t exec_mark;
    struct process_id family; /* root of the family; own id when alone or unknown */
    uint32_t family_size;     /* members alive, >= 1 */
    uint32_t group;           /* place in the snapshot's groups, from 1; 0 = in none */
    uint32_t cgroup;          /* its place in the snapshot's cgroups + 1; 0 = not known */
    int64_t cow_loss_bytes;   /* of a forked worker (model/group.h); -1 = unknown, or none */
    uint64_t first_seen_usec; /* monotonic */
    char comm[PROCESS_COMM_SIZE];
    /*
     * NULL = none, or not known. Many processes have the same, and most are short: they are kept by
     * whoever made this struct. Shorter than the sizes above.
     */
    const char *name;    /* given by `memtend run --name` */
    const char *unit;    /* systemd unit from the cgroup path */
    const char *cmdline; /* redacted */
    /* NULL = none has said hello, as of most. Likewise borrowed: the loop's are the agent server's.
     */
    const struct agent_info *agent;
    struct sample sample;
};

/* "" for none. */
const char *process_name(const struct process *process);
const char *process_unit(const struct process *process);
const char *process_cmdline(const struct process *process);
/* Never NULL: without an agent one of AGENT_STATE_NONE and empty texts. */
const struct agent_info *process_agent(const struct process *process);
bool process_id_equal(struct process_id a, struct process_id b);
void process_id_format(struct process_id id, char ret_text[static PROCESS_ID_SIZE]);
/* "4711-88213". -EINVAL. */
int process_id_parse(const char *text, struct process_id *ret_id);
/* Case-insensitive substring of comm, redacted cmdline, unit or name (the q= of REST and ps). */
bool process_matches(const struct process *process, const char *query);
const char *agent_state_name(enum agent_state state);
/* "not_yet", "too_dear", ... */
const char *absence_name(enum absence absence);
const char *process_role_name(enum process_role role); /* "" for NONE */

#endif
