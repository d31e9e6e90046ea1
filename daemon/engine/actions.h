/* SPDX-License-Identifier: MIT */
/*
 * Everything that acts comes through here: orders of people (commands) and of rules become
 * ladders, ladders become receipts. This is where it is decided who may ask for what, what is
 * never acted upon, how often. Loop thread only; nothing blocks, nothing touches the disk: the
 * audit event is queued before the first step is sent.
 *
 * One ladder a process, one collect a family at a time.
 */
#ifndef MEMTEND_ENGINE_ACTIONS_H
#define MEMTEND_ENGINE_ACTIONS_H

#include "engine/agent_server.h"
#include "engine/group_table.h"
#include "engine/journal.h"
#include "engine/measure.h"
#include "model/status.h"

struct actions;
struct store_reader;

#define ACTIONS_RATE_LIMIT 600
/* Ladders at a time; a second one for the same process is refused anyway. */
#define ACTIONS_RUNNING_LIMIT 64
/* Finished receipts kept in RAM. */
#define ACTIONS_RECENT 64

struct actions_config {
    sd_event *event; /* all borrowed */
    struct table *table;
    const struct group_table *groups; /* of targets; NULL: there are none */
    struct agent_server *agents;
    struct journal *journal;
    struct store_reader *reader; /* commands about receipts of the store; NULL: there is none */
    const struct sample *host;   /* the loop's own, current values */
    int proc_fd;                 /* the root of /proc */
    struct measure_source rollups;
    uint64_t started_usec; /* monotonic start of the daemon */

    /* They bind rules, not people. */
    uint64_t grace_usec;       /* after the start of the daemon and of the process */
    uint32_t steps_per_minute; /* on the whole host; 0 = 30, ACTIONS_RATE_LIMIT at most */

    void *context; /* of the functions below */
    /* rule "" = an order of a person. Asked before every step. */
    bool (*paused)(void *context, const char *rule);
    /* A ladder has ended; NULL allowed. The receipt is valid during the call. */
    void (*on_finished)(void *context, const struct receipt *receipt);
};

int actions_new(const struct actions_config *config, struct actions **ret_actions);
/* Ladders under way stop before their next step; their commands are answered. NULL is fine. */
void actions_free(struct actions *actions);

/* COMMAND_ACTION. Takes the command and answers it: when finished, refused, or at wait_until. */
void actions_order_person(struct actions *actions, struct command *command);

/* What a rule orders. dry_run: a receipt of what would have been done, nothing is sent. */
struct rule_order {
    const char *rule;
    struct process_id target;
    size_t step_count;
    enum step_kind steps[STEP_LIMIT];
    uint64_t pause_budget_usec; /* 0 = the default */
    bool dry_run;
};

/* Why an order of a rule was not taken; there is no receipt then and the rule may ask again. */
enum order_refusal {
    ORDER_ACCEPTED,
    ORDER_GONE,      /* the target is not there any more */
    ORDER_PROTECTED, /* never acted upon */
    ORDER_NO_AGENT,
    ORDER_BUSY,  /* another ladder is at work there */
    ORDER_GRACE, /* daemon or process was started a moment ago */
    ORDER_RATE,  /* as many steps in the last minute as rules may do */
    ORDER_FULL,  /* too many events wait for the store, or too many ladders run */
    ORDER_PAUSED,
};

/* ACCEPTED fills ret_receipt; otherwise error (NULL allowed) has a text for people. */
enum order_refusal actions_order_rule(struct actions *actions, const struct rule_order *order,
                                      char ret_receipt[static RECEIPT_ID_SIZE],
                                      struct error *error);

/* COMMAND_ACTION_GET. Takes the command: answered here when in RAM, else given to the reader. */
void actions_get(struct actions *actions, struct command *command);
/*
 * COMMAND_ACTION_LIST. Takes the command. First page: receipts that the store does not have yet
 * (running ones first) are put into command->receipts, newest first, fewer than the limit; then the
 * command goes to the reader, which appends its own (receipt_book_append()). Without a reader, and
 * for people who may only see what is theirs, the ring of the last ones is the whole answer.
 */
void actions_list(struct actions *actions, struct command *command);

/* From the agent server's handler. */
void actions_on_step(struct actions *actions, struct process_id id,
                     const struct run_answer *answer);
void actions_on_stats(struct actions *actions, struct process_id id);
/* A process has left the table. */
void actions_on_exit(struct actions *actions, struct process_id id);
/* The store's durable sequence has moved (after journal_on_durable). */
void actions_on_durable(struct actions *actions);

/* actions_total and freed_bytes_total. */
void actions_fill_status(const struct actions *actions, struct status *status);

#endif
