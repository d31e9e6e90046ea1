/* SPDX-License-Identifier: MIT */
/*
 * The control socket: accepts agents, knows for certain which process each one is, keeps one
 * session a process, asks for statistics and passes steps on. What agents say is written into the
 * process table (struct agent_info, name, heap and py samples). Loop thread only; nothing blocks.
 *
 * Who the peer is comes from the kernel alone (SO_PEERCRED, SO_PEERPIDFD, start ticks read while
 * the pidfd says alive); a session ends with its process. When the connection of a live process
 * ends without a bye and the same process says hello again soon after, it has called exec.
 */
#ifndef MEMTEND_ENGINE_AGENT_SERVER_H
#define MEMTEND_ENGINE_AGENT_SERVER_H

#include "act/backoff.h"
#include "agents/session.h"
#include "engine/table.h"
#include "heap/estimate.h"
#include "model/agent_report.h"
#include "model/event.h"

#include <systemd/sd-event.h>

struct agent_server;

/* Called on the loop; none of them may free the server. */
struct agent_server_handler {
    void *context;
    /* Exactly once for each agent_server_run() that answered 0. */
    void (*on_step)(void *context, struct process_id id, const struct run_answer *answer);
    /* Exactly once for each agent_server_census() that answered 0; takes it. */
    void (*on_census)(void *context, struct process_id id, struct census *census);
    /* Statistics of this process have come, or will not come (the agent is late or gone). */
    void (*on_stats)(void *context, struct process_id id);
    /* HELLO, BYE or EXEC; the text is clean. */
    void (*on_event)(void *context, enum event_kind kind, struct process_id id, const char *text);
};

struct agent_server_config {
    sd_event *event;     /* borrowed */
    struct table *table; /* borrowed */
    int proc_fd;         /* the root of /proc, borrowed */
    int socket_fd;       /* listening, non-blocking; borrowed */
};

int agent_server_new(const struct agent_server_config *config,
                     const struct agent_server_handler *handler, struct agent_server **ret_server);
/* Ends every session; runs under way are answered as lost. NULL is fine. */
void agent_server_free(struct agent_server *server);

/* Once a tick after the fast pass: write agent_info and names into the table, ask for statistics
 * that are due. */
void agent_server_on_tick(struct agent_server *server, uint64_t now_usec);

/* A session that has said hello. */
bool agent_server_has(const struct agent_server *server, struct process_id id);
/* What it said last; -ENOENT: no such session, or it has said nothing yet. */
int agent_server_report(const struct agent_server *server, struct process_id id, uint64_t now_usec,
                        struct agent_report *ret_report);
/* A rule looks at fields of this agent: statistics every second; forgotten after 5 s. */
void agent_server_want_stats(struct agent_server *server, struct process_id id, uint64_t now_usec);
/* The next statistics shall count pymalloc's pools, unless that was done within max_age_usec or
 * takes long there. */
void agent_server_want_pools(struct agent_server *server, struct process_id id,
                             uint64_t max_age_usec, uint64_t now_usec);
/* 0: asked, or already under way, and on_stats follows. -ENOENT no agent, -EOPNOTSUPP it has none,
 * -EBUSY it is at a step, -ETIMEDOUT it has not answered the last time. */
int agent_server_stat_now(struct agent_server *server, struct process_id id);
/* 0; -ENOENT no agent, -EBUSY, -EOPNOTSUPP, -ENOBUFS. on_step follows. */
int agent_server_run(struct agent_server *server, struct process_id id, enum step_kind step,
                     uint64_t max_pause_usec, uint64_t *ret_request);

/* 0; -ENOENT no agent, -EBUSY, -EOPNOTSUPP, -ENOBUFS, -ENOMEM. on_census follows. */
int agent_server_census(struct agent_server *server, struct process_id id,
                        const struct census_question *question);

/* What is remembered of a process for predictions; NULL without agent. Valid until the loop turns.
 */
struct estimate_memory *agent_server_memory(struct agent_server *server, struct process_id id);
/* The same of what steps have been good for. */
struct backoff *agent_server_backoff(struct agent_server *server, struct process_id id);

/* Connected agents that have said hello, and those of them that can act now. */
void agent_server_count(const struct agent_server *server, size_t *ret_agents, size_t *ret_ready);

#endif
