/* SPDX-License-Identifier: MIT */
/*
 * What an agent found when it looked at the objects of its program, and what is asked of it. Names
 * of modules, classes and attributes, types and lengths; never keys, values or reprs. Plain data.
 */
#ifndef MEMTEND_MODEL_CENSUS_H
#define MEMTEND_MODEL_CENSUS_H

#include "model/process.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum census_mode {
    CENSUS_ROOTS,    /* large containers by name */
    CENSUS_SUSPECTS, /* known causes of growth */
    CENSUS_FULL,     /* every object, by type */
    CENSUS_MODE_COUNT,
};

enum census_outcome {
    CENSUS_DONE,
    CENSUS_GIL_TIMEOUT,
    CENSUS_TOO_MANY_OBJECTS,
    CENSUS_UNSUPPORTED,
    CENSUS_BUSY,
    CENSUS_NOT_READY,
    CENSUS_CLOSING,
    CENSUS_FAILED,
    CENSUS_SILENT,   /* no answer in time */
    CENSUS_LOST,     /* the agent went away */
    CENSUS_DISTRUST, /* it broke the protocol: nothing it said is believed */
};

enum census_kind { CENSUS_CONTAINER, CENSUS_TYPE, CENSUS_SUSPECT };

#define CENSUS_FINDINGS      40
#define CENSUS_HOLDERS       3
#define CENSUS_PATH_SIZE     129
#define CENSUS_TYPE_SIZE     65
#define CENSUS_SENTENCE_SIZE 201
#define CENSUS_TOP_DEFAULT   20
/* Counting so many holds the interpreter for some 60 ms on the slowest version. */
#define CENSUS_OBJECTS_DEFAULT 2000000

struct census_question {
    enum census_mode mode;
    size_t top;           /* 1..CENSUS_FINDINGS */
    uint64_t max_objects; /* full: refused above it */
};

struct census_finding {
    enum census_kind kind;
    char path[CENSUS_PATH_SIZE];
    char type[CENSUS_TYPE_SIZE];
    char text[CENSUS_SENTENCE_SIZE];
    int64_t count, references; /* -1 = unknown */
    int64_t rises, growth;     /* how often longer in a row, and by how much; -1 = does not grow */
    size_t holder_count;
    char holders[CENSUS_HOLDERS][CENSUS_PATH_SIZE];
};

struct census {
    struct census_question question;
    enum census_outcome outcome;
    bool truncated;                             /* a bound ended the walk */
    int64_t objects;                            /* looked at; -1 = unknown */
    int64_t hold_usec, run_usec, gil_wait_usec; /* -1 = unknown; hold: in one piece */
    size_t count;
    struct census_finding findings[CENSUS_FINDINGS];
};

/* "roots"; -EINVAL. */
int census_mode_find(const char *name, enum census_mode *ret_mode);
const char *census_mode_name(enum census_mode mode);
const char *census_kind_name(enum census_kind kind);

#endif
