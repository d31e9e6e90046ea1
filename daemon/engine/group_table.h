/* SPDX-License-Identifier: MIT */
/*
 * The groups by name: places that are taken, handed on and given back, and what members leave
 * behind. A place keeps its number for as long as the group lives. Who is a member is for
 * engine/groups to decide. Loop thread only.
 */
#ifndef MEMTEND_ENGINE_GROUP_TABLE_H
#define MEMTEND_ENGINE_GROUP_TABLE_H

#include "model/group.h"

/* A group of which the last member has ended is kept for so long, if nobody needs its place. */
#define GROUP_TABLE_KEEP_USEC (UINT64_C(3600) * 1000000)
/* "python#2" to "python#99": groups that would have the same name. */
#define GROUP_TABLE_SAME_NAMES 99
/* The last hour in pieces of 5 min, and the one under way. */
#define GROUP_TABLE_SLICES     13
#define GROUP_TABLE_SLICE_USEC (UINT64_C(300) * 1000000)

/* Beside each group, what is not published. */
struct group_state {
    uint32_t hash;                     /* of the name */
    char base[GROUP_NAME_SIZE];        /* the name without "#2" */
    uint64_t gone_usec;                /* monotonic; 0 = it has members */
    uint64_t slice;                    /* number of the one under way */
    uint32_t came[GROUP_TABLE_SLICES]; /* by slice */
};

struct group_table {
    size_t count; /* places in use end here; those of kind NONE are free */
    struct group_record *groups;
    struct group_state *states; /* same index */
    uint64_t refused;           /* no place was left */
};

/* The clocks of a tick; boot as start times count, with the time the host was suspended. */
struct group_time {
    uint64_t mono_usec, wall_usec, boot_usec;
};

struct group_key {
    enum group_kind kind;
    const char *base; /* clean, not "" */
    uid_t uid;
};

int group_table_init(struct group_table *table);
void group_table_finish(struct group_table *table);

/* The group at a place from 1 (struct process); NULL for 0. */
struct group_record *group_table_at(const struct group_table *table, uint32_t place);
/* Members alive. */
uint64_t group_table_alive(const struct group_record *group);
/* By its whole name; 0 when there is none. */
uint32_t group_table_find(const struct group_table *table, const char *name);
/*
 * The place of the group that has this key, made when there is none: 0 when there is no room.
 * Names by processes are joined for one user only, families only after the one before has ended.
 */
uint32_t group_table_take(struct group_table *table, const struct group_key *key,
                          const struct group_time *time);

struct group_member {
    uid_t uid;
    bool witnessed;
    int64_t peak_rss_bytes;
};

/* A member comes; goes for ever; or was counted here by mistake and belongs elsewhere. */
void group_table_came(struct group_table *table, uint32_t place, const struct group_member *member,
                      const struct group_time *time);
void group_table_went(struct group_table *table, uint32_t place, const struct group_member *member);
void group_table_moved(struct group_table *table, uint32_t place,
                       const struct group_member *member);
/* Members that came in the last 60 to 65 min, of those that were seen to begin. */
uint32_t group_table_came_last_hour(struct group_table *table, uint32_t place, uint64_t mono_usec);

/* The figures of a tick stand in the groups: peaks are taken, what is over ends, old ones leave. */
void group_table_on_tick(struct group_table *table, const struct group_time *time);

#endif
