/* SPDX-License-Identifier: MIT */
/*
 * The head's side of the probe: starts it (or connects to its unit), queues what the loop wants
 * read, keeps the reading inside its budget and replaces a probe that is stuck or dead. Never
 * waits: everything happens by events of the loop it was made on. Loop thread only.
 */
#ifndef MEMTEND_ENGINE_PROBE_CLIENT_H
#define MEMTEND_ENGINE_PROBE_CLIENT_H

#include "model/process.h"
#include "model/status.h"
#include "wire/probe.h"

#include <systemd/sd-event.h>

/* Requests that may wait, in all: the members of a few families that are measured at once. */
#define PROBE_CLIENT_LIMIT 1024
/* Routine ones that may wait: few, so that the choice of the next one is made late. */
#define PROBE_CLIENT_ROUTINE_LIMIT 32

/* Served in this order. */
enum probe_priority {
    PROBE_PRIORITY_RECEIPT,  /* may overdraw the budget; ten times the stall of the others */
    PROBE_PRIORITY_QUESTION, /* a person waits: may overdraw the budget */
    PROBE_PRIORITY_RULE,     /* a rule names a deep field */
    PROBE_PRIORITY_ROUTINE,
    PROBE_PRIORITY_COUNT,
};

/* Which part of a scan for pools; see wire/probe.h. */
struct probe_scan_part {
    uint64_t cursor;
    uint32_t pool_bytes, scan_bytes;
};

struct probe_client;

struct probe_client_config {
    const char *socket_path; /* of the probe's unit; NULL: start it as a child */
    const char *proc_root;   /* for a child; NULL: /proc */
    uint64_t deadline_usec;  /* of one reading; 0: 2 s */
    bool other_users;        /* a child keeps the right to scan processes of others, if it has it */
    uint32_t
        budget_permyriad; /* of a core, for what nobody waits for but command lines; 0: 0.5 % */
    void *context;        /* of the two functions, which must not free the client */
    void (*on_answer)(void *context, const struct probe_answer *answer);
    /* Something for the timeline: lost, replaced, back. NULL allowed. */
    void (*on_event)(void *context, const char *text);
};

/* Texts of the config are copied. A probe that cannot be started is tried again later: 0. */
int probe_client_new(sd_event *event, const struct probe_client_config *config,
                     struct probe_client **ret_client);
/* Ends the child. What still waits is not answered. NULL is fine. */
void probe_client_free(struct probe_client *client);

/*
 * Ask for `what` (enum probe_what). 0: exactly one answer with *ret_sequence (NULL allowed) comes
 * later, never from inside this call; -ENOBUFS: too many wait, nothing will come. stall_usec is how
 * long a rollup or the layers would hold the process up, see probe_price.h.
 *
 * A request with a command line in it is never held up by the budget: when the rollup may not be
 * read, the command line is read alone and the result says why. The results of the client:
 * -ETIMEDOUT late, or was late in the last ten minutes; -EFBIG the rollup would hold up the process
 * for too long; -EBUSY the budget is used up; -EPIPE the probe is down or died over it; -ENOBUFS
 * the answer was dropped. Those of the probe: -ESRCH gone, -EACCES not ours to read, -ENODATA a
 * process without memory.
 */
int probe_client_request(struct probe_client *client, struct process_id id, uint64_t stall_usec,
                         uint32_t what, enum probe_priority priority, uint32_t *ret_sequence);

/*
 * Ask for a part of the layers page by page, which holds nobody up. As above; -ENOBUFS while
 * another routine one waits. Further results: -EPERM, -EACCES, -EFBIG, see probe_walk.h.
 */
int probe_client_pages(struct probe_client *client, struct process_id id, uint64_t cursor,
                       enum probe_priority priority, uint32_t *ret_sequence);

/*
 * Ask for a part of a scan, which waits for everything else and for the budget. As above; -ENOBUFS
 * while another one waits. Further results: -ENOEXEC, -EPERM, -EACCES, see probe_pools.h.
 */
int probe_client_scan(struct probe_client *client, struct process_id id,
                      const struct probe_scan_part *part, uint32_t *ret_sequence);

/* Requests of this priority that would be taken and begun soon; 0 when the budget is used up. */
size_t probe_client_room(struct probe_client *client, enum probe_priority priority);

struct probe_client_state {
    enum probe_state state;
    bool separated;           /* runs as its own unit, with its own rights */
    uint64_t restarts;        /* after the first start */
    uint64_t deep_usec_total; /* CPU time spent on all but command lines */
    uint64_t too_dear_total, late_total;
    size_t waiting;
    int64_t own_private_bytes, own_rss_bytes; /* of the probe; -1 = unknown */
    char detail[STATUS_TEXT_SIZE];            /* "" when there is nothing to say */
};

void probe_client_state(const struct probe_client *client, struct probe_client_state *ret_state);
/* Of the child; 0 when there is none. */
pid_t probe_client_pid(const struct probe_client *client);

#endif
