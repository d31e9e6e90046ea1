/* SPDX-License-Identifier: MIT */
/*
 * Anything that happened at an instant. Plain data, fixed size; the text is clean and short.
 */
#ifndef MEMTEND_MODEL_EVENT_H
#define MEMTEND_MODEL_EVENT_H

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
    X(EXIT, "exit") /* of a process with an agent, or a rule fired */                              \
    X(OOM_KILL, "oom_kill")                                                                        \
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

#define EVENT_TEXT_SIZE 256

struct event {
    int64_t id; /* given by the store; 0 before */
    enum event_kind kind;
    uint64_t wall_usec, mono_usec;
    char target[TARGET_SIZE]; /* "" = the daemon itself */
    char rule[RECEIPT_RULE_SIZE];
    char receipt[RECEIPT_ID_SIZE];
    char asked_by[RECEIPT_ASKER_SIZE];
    char text[EVENT_TEXT_SIZE];
};

const char *event_kind_name(enum event_kind kind);
int event_kind_find(const char *name, enum event_kind *ret_kind); /* -ENOENT */

#endif
