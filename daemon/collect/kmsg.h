/* SPDX-License-Identifier: MIT */
/*
 * The kernel's log, /dev/kmsg, for the one thing that we want of it: whom the OOM killer killed and
 * whose limit it was. Only records of the kernel itself count (programs may write there too), and
 * only those from after kmsg_open(). The formats of Linux 4.19 to 6.18. Names in the log are
 * hostile: they are unescaped, cleaned, and never decide where a number ends. One thread.
 */
#ifndef MEMTEND_COLLECT_KMSG_H
#define MEMTEND_COLLECT_KMSG_H

#include "collect/outcome.h"
#include "model/cgroup.h"
#include "model/process.h"

/* Whose memory had run out. */
enum oom_constraint {
    OOM_CONSTRAINT_UNKNOWN,
    OOM_CONSTRAINT_NONE, /* the whole machine's */
    OOM_CONSTRAINT_MEMCG,
    OOM_CONSTRAINT_CPUSET,
    OOM_CONSTRAINT_MEMPOLICY,
    OOM_CONSTRAINT_COUNT,
};

const char *oom_constraint_name(enum oom_constraint constraint); /* "" for UNKNOWN */

enum kmsg_kind {
    KMSG_OTHER,   /* not about an OOM kill, or not the kernel's */
    KMSG_CONTEXT, /* of the kill that follows: constraint, cgroup; pid 0 = of any */
    KMSG_GROUP,   /* of the kills that follow: a cgroup is killed as a whole */
    KMSG_KILLED,
};

/* One record. What it does not say is 0, "" or -1. */
struct kmsg_record {
    uint64_t sequence;
    uint64_t usec; /* the kernel's clock since boot, about CLOCK_MONOTONIC */
    enum kmsg_kind kind;
    bool elsewhere;               /* KILLED: not for a memcg's limit */
    pid_t pid;                    /* as the initial pid namespace counts */
    char comm[PROCESS_COMM_SIZE]; /* KILLED */
    enum oom_constraint constraint;
    char cgroup[CGROUP_PATH_SIZE]; /* of the victim */
    int64_t rss_bytes;             /* KILLED: anonymous, file and shared, at the kill */
};

/* One record, from its prefix to its newline or the end; `text` is changed: escapes are undone in
 * place. False: no record at all. Pure. */
bool kmsg_parse(char *text, size_t length, struct kmsg_record *ret_record);

/* Puts the context, which comes in records of its own, to the kill. Zeroed is ready. */
struct kmsg_follower {
    struct kmsg_record context; /* kind OTHER = none */
};

/* True: *record is a kill, and now says all that is known of it. Pure. */
bool kmsg_follow(struct kmsg_follower *follower, struct kmsg_record *record);

struct kmsg {
    int fd; /* -1 = not open */
    uint64_t next_sequence;
    uint64_t lost; /* records that were overwritten before we read them */
    struct kmsg_follower follower;
};

/* `dev` is /dev or a directory that stands for it. */
enum outcome kmsg_open(int dev, struct kmsg *ret_kmsg);
void kmsg_close(struct kmsg *kmsg);

/* A flood of messages is read in portions of so many. */
#define KMSG_READ_LIMIT 2000

/* Calls `on_kill` for each kill in the log since the last call, and never waits. 0, or -errno: the
 * log cannot be read any more. */
int kmsg_read(struct kmsg *kmsg, void (*on_kill)(void *context, const struct kmsg_record *kill),
              void *context);

#endif
