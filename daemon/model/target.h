/* SPDX-License-Identifier: MIT */
/*
 * What a person points at, the same text in CLI, REST and rules: "host", "4711-88213",
 * "pid:4711" (a bare "4711" is the same), "unit:NAME", "group:NAME". Parsing only; whether it
 * exists is for the engine to say. Plain data.
 */
#ifndef MEMTEND_MODEL_TARGET_H
#define MEMTEND_MODEL_TARGET_H

#include "base/error.h"
#include "model/process.h"

enum target_kind {
    TARGET_HOST,
    TARGET_PROCESS, /* id */
    TARGET_PID,     /* id.pid; resolved once, 404 when gone */
    TARGET_UNIT,    /* name */
    TARGET_GROUP,   /* name */
};

#define TARGET_SIZE PROCESS_UNIT_SIZE

struct target {
    enum target_kind kind;
    struct process_id id;
    char name[TARGET_SIZE];
};

/* -EINVAL with error filled. */
int target_parse(const char *text, struct target *ret_target, struct error *error);

#endif
