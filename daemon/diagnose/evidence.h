/* SPDX-License-Identifier: MIT */
/*
 * Everything that a ledger and a verdict rest on, put together by the engine or the command line
 * from what they have. Borrowed for the call; NULL, or has_... false, is: not known. Nothing is
 * read here, and nothing that is not known counts as 0. Pure.
 */
#ifndef MEMTEND_DIAGNOSE_EVIDENCE_H
#define MEMTEND_DIAGNOSE_EVIDENCE_H

#include "model/agent_report.h"
#include "model/cgroup.h"
#include "model/layer.h"
#include "model/prediction.h"
#include "model/process.h"

/* Its family, when it has one. A worker is a member that another one has forked. */
struct evidence_family {
    uint32_t members; /* alive, this one included; 0 or 1: alone, or not known */
    bool is_worker;
    bool has_pss;
    int64_t pss_bytes; /* sum over all members: what the machine pays for them */
    bool has_copied;
    int64_t copied_bytes; /* copied by this worker since its fork */
};

/* A program that is no Python and whose memory has a known habit. */
struct evidence_neighbour {
    const char *runtime;    /* "Java", "Node.js", "PostgreSQL", "Redis"; NULL = none known */
    const char *limit_flag; /* what sets its limit: "-Xmx"; NULL = none */
    bool has_limit;
    int64_t limit_bytes; /* as its command line says it */
    bool has_expected;
    int64_t expected_bytes; /* RSS that is normal at that limit, at most */
};

struct evidence {
    uint64_t now_usec;             /* monotonic */
    const struct process *process; /* never NULL; its sample has what is known */
    const struct sample *host;
    const struct layers *layers; /* one walk over its mappings */
    const struct cgroup *cgroup; /* the nearest one with a limit, else its own */
    const struct agent_report *agent;
    const struct prediction *trim, *collect; /* of these steps, from heap/estimate */
    struct evidence_family family;
    struct evidence_neighbour neighbour;
    bool pools_stale; /* the process has changed since its pools were counted: they do not count */
    bool is_python;   /* by its executable; an agent or counted pools say so too */
    /* The collector has looked at all objects (a full collection, its own or asked for), then. */
    uint64_t full_collection_usec; /* 0 = not known */
    bool has_before;
    int64_t rss_before_bytes;                /* of some minutes ago */
    uint64_t before_usec;                    /* when; monotonic */
    const struct layers_past *layers_before; /* of the same program; tells what has grown */
};

#endif
