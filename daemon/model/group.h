/* SPDX-License-Identifier: MIT */
/*
 * Families: processes tied by fork without exec. Two processes are tied when one is the parent of
 * the other and both have the same exec_mark and executable file; a child's family includes its
 * parent. Groups: processes that share a budget, each in one group at most, with what they hold
 * together. Plain data and pure functions; engine/groups fills the groups, which are copied whole
 * into the published snapshot.
 */
#ifndef MEMTEND_MODEL_GROUP_H
#define MEMTEND_MODEL_GROUP_H

#include "model/cgroup.h"
#include "model/process.h"

/* Groups at a time, those without members included; a host with 1,000 processes has about 100. */
#define GROUP_LIMIT 1024

/* As long as a target may be (model/target.h). */
#define GROUP_NAME_SIZE PROCESS_UNIT_SIZE

/* How a group came about; where several would fit, the first one counts. */
enum group_kind {
    GROUP_KIND_NONE,     /* a free place, no group */
    GROUP_KIND_CONFIG,   /* named in the configuration */
    GROUP_KIND_NAME,     /* `memtend run --name` */
    GROUP_KIND_GUNICORN, /* from here on: a master and its workers */
    GROUP_KIND_UWSGI,
    GROUP_KIND_CELERY,
    GROUP_KIND_MULTIPROCESSING, /* Python, what it forked, what multiprocessing started */
    GROUP_KIND_PREFORK,         /* any other program and what it forked without exec */
    GROUP_KIND_CONTAINER,       /* the control group of a container */
    GROUP_KIND_UNIT,            /* a unit of systemd */
    GROUP_KIND_COUNT,
};

/*
 * What the members hold together. A sum counts the members of which the value is known, and how
 * many these are stands beside it. RSS counts a shared page once for each member; PSS counts it
 * once in all.
 *
 * PSS is read now and then: after a fork the parent's last reading still has its pages for itself
 * alone. The sum is consistent when every member was read after the youngest one had come; a peak
 * of PSS is taken from such moments only.
 *
 * Copy-on-write loss of a worker: private bytes that its own growth does not explain,
 * max(0, USS - max(0, RSS - RSS at the fork)), at most the RSS at the fork. That RSS is the first
 * one seen, but never more than the parent had then. Of a worker that was there before us the
 * first USS and RSS that were read count instead: what it lost earlier is not known. Limits: own
 * memory that takes the place of inherited memory given back counts as loss, and so does inherited
 * memory that everybody else has given back; copies in swap do not count.
 *
 * Limit and headroom are those of the one control group in which all members live. Members that
 * live in several meet several limits: then there is neither.
 */
struct group_record {
    enum group_kind kind;
    char name[GROUP_NAME_SIZE]; /* unique, clean, without '/' and ',' */
    uid_t uid;                  /* of the first member */
    bool mixed_uids;            /* some member had another one */

    uint32_t members; /* alive; 0 = all have ended */
    uint32_t workers, helpers;
    uint32_t pss_members, uss_members, swap_members, cow_members; /* whose value is known */
    int64_t rss_bytes, pss_bytes, uss_bytes, swap_bytes, cow_loss_bytes;
    uint64_t pss_read_usec; /* monotonic, of the oldest reading in pss_bytes */
    bool pss_consistent;
    struct process_id oldest, youngest; /* alive; both 0 = none are */
    uint64_t youngest_seen_usec;        /* monotonic: when the last one was first seen */

    uint32_t cgroup; /* that all members live in, its place + 1; 0 = not known, or several */
    bool limit_known, headroom_known;
    int64_t limit_bytes, headroom_bytes; /* of that control group; model/cgroup.h */

    uint64_t came;                   /* members since the group was first seen */
    uint64_t went;                   /* of these: ended, or exec made them something else */
    uint32_t came_last_hour;         /* without those that were there before us */
    int64_t went_peak_sum_bytes;     /* RSS: the sum of what each held at most */
    int64_t went_peak_largest_bytes; /* and the largest of these */

    int64_t peak_rss_bytes, peak_pss_bytes;          /* of the sums; 0 = none yet */
    uint64_t peak_rss_wall_usec, peak_pss_wall_usec; /* when */
    uint64_t first_seen_wall_usec;
    uint64_t gone_wall_usec; /* when the last member ended; 0 = some are alive */
};

/*
 * Set family and family_size of every process. `by_pid` answers the index of a pid in the table or
 * -1, in O(1).
 */
void group_families(struct process *processes, size_t count,
                    ssize_t (*by_pid)(const void *context, pid_t pid), const void *context);
/* Whether the child was forked from the parent and neither has called exec since. */
bool group_tied(const struct process *child, const struct process *parent);

bool group_is_family(enum group_kind kind);
const char *group_kind_name(enum group_kind kind);
/* What may be a name: clean, '/' and ',' replaced, no blanks at the ends, cut. May become "". */
void group_name_clean(const char *text, char ret_name[static GROUP_NAME_SIZE]);
/* Case-insensitive substring of name or kind (the q= of REST). */
bool group_matches(const struct group_record *group, const char *query);

/*
 * The figures of the members of one tick: begin, every member, end. What tells of the past (came,
 * went, peaks) stays as it is.
 */
void group_begin(struct group_record *group);
void group_add(struct group_record *group, const struct process *process);
void group_end(struct group_record *group);
/* What its control group says now; NULL: nothing. */
void group_set_limit(struct group_record *group, const struct cgroup *cgroup);

/*
 * The numbers of a group by the names that JSON and the command line give them. What is not known
 * is absent: a sum without a member whose value is known, a past that nobody recorded.
 */
/*        id               name                       known                     value */
#define GROUP_FIGURE_TABLE(X)                                                                      \
    X(MEMBERS, "members", true, members)                                                           \
    X(WORKERS, "workers", true, workers)                                                           \
    X(HELPERS, "helpers", true, helpers)                                                           \
    X(RSS, "rss_bytes", true, rss_bytes)                                                           \
    X(PSS, "pss_bytes", group->pss_members > 0, pss_bytes)                                         \
    X(PSS_MEMBERS, "pss_members", true, pss_members)                                               \
    X(USS, "uss_bytes", group->uss_members > 0, uss_bytes)                                         \
    X(USS_MEMBERS, "uss_members", true, uss_members)                                               \
    X(SWAP, "swap_bytes", group->swap_members > 0, swap_bytes)                                     \
    X(SWAP_MEMBERS, "swap_members", true, swap_members)                                            \
    X(COW_LOSS, "cow_loss_bytes", group->cow_members > 0, cow_loss_bytes)                          \
    X(COW_MEMBERS, "cow_members", true, cow_members)                                               \
    X(LIMIT, "limit_bytes", group->limit_known, limit_bytes)                                       \
    X(HEADROOM, "headroom_bytes", group->headroom_known, headroom_bytes)                           \
    X(CAME, "came", group->first_seen_wall_usec > 0, came)                                         \
    X(WENT, "went", group->first_seen_wall_usec > 0, went)                                         \
    X(CAME_LAST_HOUR, "came_last_hour", group->first_seen_wall_usec > 0, came_last_hour)           \
    X(PEAK_RSS, "peak_rss_bytes", group->peak_rss_bytes > 0, peak_rss_bytes)                       \
    X(PEAK_PSS, "peak_pss_bytes", group->peak_pss_bytes > 0, peak_pss_bytes)                       \
    X(WENT_PEAK_SUM, "went_peak_sum_bytes", group->went > 0, went_peak_sum_bytes)                  \
    X(WENT_PEAK_LARGEST, "went_peak_largest_bytes", group->went > 0, went_peak_largest_bytes)

enum group_figure {
#define X(id, name, known, value) GROUP_FIGURE_##id,
    GROUP_FIGURE_TABLE(X)
#undef X
        GROUP_FIGURE_COUNT,
};

bool group_figure_get(const struct group_record *group, enum group_figure figure,
                      int64_t *ret_value);
const char *group_figure_name(enum group_figure figure);
/* "rss_bytes", or "rss". -ENOENT. */
int group_figure_find(const char *name, enum group_figure *ret_figure);

/* What a worker holds at the moment of a reading and what it began with; see above. */
struct group_cow {
    int64_t base_rss_bytes, base_uss_bytes;
    int64_t rss_bytes, uss_bytes;
};

int64_t group_cow_loss(const struct group_cow *cow);

#endif
