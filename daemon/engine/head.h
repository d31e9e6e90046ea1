/* SPDX-License-Identifier: MIT */
/*
 * Everything that the loop of the head owns, in one struct that the files of the tick share:
 * the three passes (kernel to table), eyes (what the probe is asked), record (table to store),
 * overview (status), pipeline (their order), desk (commands of people). Made by engine_start.c,
 * ended by engine.c. Loop thread only, but for `publication` and the mailboxes.
 */
#ifndef MEMTEND_ENGINE_HEAD_H
#define MEMTEND_ENGINE_HEAD_H

#include "base/mailbox.h"
#include "collect/newcomers.h"
#include "collect/process_list.h"
#include "config/config.h"
#include "engine/actions.h"
#include "engine/agent_server.h"
#include "engine/censuses.h"
#include "engine/death_watch.h"
#include "engine/cgroups.h"
#include "engine/groups.h"
#include "engine/journal.h"
#include "engine/kept_files.h"
#include "engine/ledgers.h"
#include "engine/pause.h"
#include "engine/pressure_watch.h"
#include "engine/probe_client.h"
#include "engine/publication.h"
#include "engine/rule_book.h"
#include "engine/scans.h"
#include "engine/self_cost.h"
#include "engine/store_reader.h"
#include "engine/store_writer.h"
#include "engine/table.h"
#include "http/server.h"
#include "model/layer.h"

#include <systemd/sd-event.h>

/* Commands on their way from http: more than its connections, so that a push never fails. */
#define HEAD_COMMANDS 128

/* Rows of processes that ended and that the store has not been told of. */
struct head_ended {
    int64_t *rows; /* mapped once, capacity of the table */
    size_t count;
};

struct head {
    struct config config;
    struct status status; /* running counters and states; published each tick */

    int proc_fd;
    sd_event *event;
    sd_event_source *tick_timer;
    uint64_t started_usec; /* monotonic */
    uint64_t tick;         /* number of the current one, from 1 */
    uint64_t tick_usec;    /* when it began, monotonic */
    uint64_t tick_wall_usec;
    uint64_t tick_due_usec;    /* on the grid */
    uint64_t boot_offset_usec; /* CLOCK_BOOTTIME minus CLOCK_MONOTONIC at this tick */

    struct self_cost cost;
    int64_t own_private_bytes, own_rss_bytes; /* of the head alone; -1 = unknown */
    uint64_t own_cpu_usec, own_cpu_at_usec;   /* CPU so far, as of then; 0 = not yet looked */

    struct newcomers newcomers;
    struct process_list pids; /* all there are, or only new ones: */
    bool listed;
    struct table table;
    struct groups groups;
    struct kept_files kept;
    size_t kernel_threads; /* in the table; they are not watched */
    uint32_t slow_turns;   /* ticks between two readings of the slow fields, >= 1 */
    bool rules_want;       /* there are rules, which may want fields of some processes */
    uint64_t renewed_tick; /* of fast_pass_renew() */
    struct sample host;
    struct cgroups *cgroups;
    struct death_watch deaths;
    struct pressure_watch pressure;
    struct publication publication;
    struct head_ended ended;
    int64_t next_row;
    struct eyes *eyes; /* readings under way and layers read; NULL without probe */
    struct scans scans;

    struct store_writer *writer; /* NULL: no store */
    struct store_reader *reader; /* NULL: no store */
    struct journal *journal;
    struct pause *pause;
    struct probe_client *probe; /* NULL: switched off */
    struct agent_server *agents;
    struct censuses censuses;
    struct ledgers ledgers;
    struct rule_book *book;
    struct actions *actions;
    struct http *http;
    struct mailbox commands; /* http -> loop */
    bool ready_said;         /* READY=1 has been sent */
    uint64_t watchdog_usec;  /* 0: systemd asks for none */
};

/* The kernel's files into the table. fast_pass.c, slow_pass.c, host_pass.c. */
int fast_pass_discover(struct head *head); /* who is new, or who is there; 0 or -errno */
void fast_pass(struct head *head, uint64_t now_usec);
/* Before rules or readers look at the table: RSS is as new as the tick, and so is the age. */
void fast_pass_renew(struct head *head, uint64_t now_usec);
struct proc_stat;
/* What it says of a process in the table that is no kernel thread. */
void fast_pass_update(struct head *head, size_t index, const struct proc_stat *stat, uint64_t now);
void slow_pass(struct head *head, uint64_t now_usec);
void host_pass(struct head *head, uint64_t now_usec);

/* Layers of a process; result as of probe_client_request(), layers NULL unless it is 0. */
typedef void (*eyes_layers_answer)(void *context, struct process_id id, int result,
                                   const struct layers *layers);

/* eyes.c: what only the probe may read, into the table. */
int eyes_start(struct head *head, const char *socket_path);
void eyes_stop(struct head *head);
void eyes_on_tick(struct head *head, uint64_t now_usec);
/* For receipts: the probe as a struct measure_source. */
struct measure_source eyes_measure_source(struct head *head);
/* For a person's question. 0 and answer() exactly once, later, from the loop; or -errno and never:
 * -ENODEV no probe, -ESRCH no such process, -ENOBUFS too many questions. */
int eyes_layers(struct head *head, struct process_id id, eyes_layers_answer answer, void *context);

/* record.c: what changed, to the writer. */
void record_tick(struct head *head, uint64_t now_usec);
void record_ended(struct head *head, int64_t row);

/* overview.c */
void overview_fill(struct head *head, uint64_t now_usec);

/* pipeline.c: one tick in the order of the data. */
void pipeline_tick(struct head *head, uint64_t now_usec);
struct group_time pipeline_time(const struct head *head); /* of the tick under way */
/* A reader needs processes, and the last tick was published without. */
int pipeline_on_wanted(sd_event_source *source, int fd, uint32_t events, void *context);

/* desk.c: commands from http to those who answer them. */
int desk_submit(void *context, struct command *command); /* http thread */
int desk_on_commands(sd_event_source *source, int fd, uint32_t events, void *context);

#endif
