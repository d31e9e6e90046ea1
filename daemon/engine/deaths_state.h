/* SPDX-License-Identifier: MIT */
/*
 * The lists behind engine/deaths. Inner part of deaths.c (what comes in), deaths_count.c (what
 * counters alone told of) and deaths_tell.c (the words). Loop thread.
 */
#ifndef MEMTEND_ENGINE_DEATHS_STATE_H
#define MEMTEND_ENGINE_DEATHS_STATE_H

#include "agents/quota.h"
#include "engine/deaths.h"

/* Ends of the last seconds: what a kill without a name is compared with. With more than these in
 * that time nobody can say who it was. */
#define DEATHS_ENDED 128
/* Victims whose end has not been seen yet. */
#define DEATHS_KILLED 256
/* Rises of counters that wait to be explained. */
#define DEATHS_RISES 16

struct deaths_ended {
    struct death death;
    uint64_t usec;
    bool told;    /* its end, or it is not watched */
    bool claimed; /* by a kill */
};

struct deaths_killed {
    struct process_id id;
    uint64_t usec;
};

struct deaths_rise {
    char cgroup[CGROUP_PATH_SIZE];
    bool below;
    int64_t count;
    uint64_t since_usec, usec; /* the kills were between these */
};

/* Events of one kind; what is too much is only counted, and said once a minute. */
struct deaths_flow {
    struct quota quota;
    uint64_t suppressed;
    uint64_t said_usec;
};

struct deaths {
    struct deaths_config config;
    size_t ended_first, ended_count; /* a ring, oldest first */
    struct deaths_ended ended[DEATHS_ENDED];
    uint64_t ended_lost_usec; /* when one was pushed out of the ring before its time */
    size_t killed_first, killed_count;
    struct deaths_killed killed[DEATHS_KILLED];
    size_t rise_count;
    struct deaths_rise rises[DEATHS_RISES];
    int64_t named; /* kills that the log told of and the host's counter not yet */
    uint64_t named_usec;
    struct deaths_flow kills, ends;
    struct quota pins;
};

struct deaths_ended *deaths_ended_at(struct deaths *deaths, size_t age_from_oldest);

/* deaths_count.c: explains rises that have waited long enough. */
void deaths_count_on_tick(struct deaths *deaths, uint64_t now_usec);

/* deaths_tell.c */
struct deaths_told {                /* what is known of one OOM kill */
    const struct death *victim;     /* NULL = not known to us */
    const struct kmsg_record *kill; /* NULL = a counter told of it */
    const char *cgroup;             /* of the counter; "" = none */
    int64_t count;                  /* victims, when there is none known */
    bool probably;
};
void deaths_tell_kill(struct deaths *deaths, const struct deaths_told *told, uint64_t now_usec);
void deaths_tell_end(struct deaths *deaths, const struct deaths_ended *ended, bool oom_killed,
                     uint64_t now_usec);
void deaths_tell_suppressed(struct deaths *deaths, uint64_t now_usec);

#endif
