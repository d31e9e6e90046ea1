/* SPDX-License-Identifier: MIT */
/*
 * Anything that happened at an instant. Plain data, fixed size; the text is clean and short.
 */
#ifndef MEMTEND_MODEL_EVENT_H
#define MEMTEND_MODEL_EVENT_H

#include "model/cgroup.h"
#include "model/receipt.h"
#include "model/target.h"

#define EVENT_KIND_TABLE(X)                                                                        \
    X(START, "start") /* daemon started */                                                         \
    X(STOP, "stop")                                                                                \
    X(RULE_FIRED, "rule_fired")           /* armed: a ladder was started */                        \
    X(RULE_WOULD_FIRE, "rule_would_fire") /* dry-run */                                            \
    X(RECEIPT, "receipt")                                                                          \
    X(HELLO, "hello") /* agent connected */                                                        \
    X(BYE, "bye")                                                                                  \
    X(EXEC, "exec")                                                                                \
    X(EXIT, "exit")         /* of a process that is watched: see engine/deaths */                  \
    X(OOM_KILL, "oom_kill") /* one for each victim */                                              \
    X(PRESSURE, "pressure") /* the host waits for memory */                                        \
    X(PRESSURE_END, "pressure_end")                                                                \
    X(REGION, "region") /* a part of its work, by the name the program gave it */                  \
    X(DEPLOY, "deploy") /* posted by a person */                                                   \
    X(PAUSE, "pause")                                                                              \
    X(RESUME, "resume")                                                                            \
    X(RULES_LOADED, "rules_loaded")                                                                \
    X(ARM, "arm")                                                                                  \
    X(DISARM, "disarm")                                                                            \
    X(PROBE, "probe") /* lost, restarted, limited */                                               \
    X(STORE, "store") /* degraded, resumed, set aside */

enum event_kind {
#define X(id, name) EVENT_KIND_##id,
    EVENT_KIND_TABLE(X)
#undef X
        EVENT_KIND_COUNT,
};

#define EVENT_TEXT_SIZE       256
#define EVENT_CAUSE_SIZE      16
#define EVENT_CONSTRAINT_SIZE 16
#define EVENT_CERTAINTY_SIZE  16

/*
 * Numbers that some kinds of events have beside their text; unknown is absent. The name is that of
 * the column in the store.
 */
#define EVENT_NUMBER_TABLE(X)                                                                      \
    X(PID, "pid")       /* of a victim that is not in our table */                                 \
    X(RSS, "rss_bytes") /* at the kill, as the kernel says; at an exit, the last sample */         \
    X(KILLS, "kills")   /* how many victims one event stands for, when they have no name */        \
    X(DURATION, "duration_usec")                                                                   \
    X(PSI_SOME, "psi_some_avg10_percent") /* permyriad */                                          \
    X(PSI_FULL, "psi_full_avg10_percent")

enum event_number {
#define X(id, name) EVENT_NUMBER_##id,
    EVENT_NUMBER_TABLE(X)
#undef X
        EVENT_NUMBER_COUNT,
};

/* Words that some kinds have; "" = unknown. X(id, column and JSON name, member of struct event). */
#define EVENT_WORD_TABLE(X)                                                                        \
    X(COMM, "comm", comm)                                                                          \
    X(UNIT, "unit", unit)                                                                          \
    X(CGROUP, "cgroup", cgroup)                                                                    \
    X(CONSTRAINT, "oom_constraint", oom_constraint)                                                \
    X(CAUSE, "cause", cause)                                                                       \
    X(CERTAINTY, "certainty", certainty)

enum event_word {
#define X(id, name, member) EVENT_WORD_##id,
    EVENT_WORD_TABLE(X)
#undef X
        EVENT_WORD_COUNT,
};

struct event {
    int64_t id; /* given by the store; 0 before */
    enum event_kind kind;
    uint64_t wall_usec, mono_usec;
    char target[TARGET_SIZE]; /* "" = the daemon itself */
    char rule[RECEIPT_RULE_SIZE];
    char receipt[RECEIPT_ID_SIZE];
    char asked_by[RECEIPT_ASKER_SIZE];
    char text[EVENT_TEXT_SIZE];

    char comm[PROCESS_COMM_SIZE];
    char unit[PROCESS_UNIT_SIZE];
    char cgroup[CGROUP_PATH_SIZE];
    char oom_constraint[EVENT_CONSTRAINT_SIZE]; /* whose limit: none, memcg, cpuset, mempolicy */
    char cause[EVENT_CAUSE_SIZE];               /* of an exit: "exit 1", "signal 9", "OOM killer" */
    char certainty[EVENT_CERTAINTY_SIZE];       /* "probably": inferred, not told by the kernel */
    uint32_t numbers_present;                   /* bit i = number i is known */
    int64_t numbers[EVENT_NUMBER_COUNT];
    bool has_window;  /* from the store: samples from before it are pinned (model/pin) */
    bool not_durable; /* in RAM only so far */
};

const char *event_kind_name(enum event_kind kind);
int event_kind_find(const char *name, enum event_kind *ret_kind); /* -ENOENT */

const char *event_number_name(enum event_number number);
bool event_number(const struct event *event, enum event_number number, int64_t *ret_value);
void event_set_number(struct event *event, enum event_number number, int64_t value);
const char *event_word_name(enum event_word word);
const char *event_word(const struct event *event, enum event_word word);
void event_set_word(struct event *event, enum event_word word, const char *text);

#endif
