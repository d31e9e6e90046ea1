/* SPDX-License-Identifier: MIT */
/*
 * Something a person asked for, on its way through the threads: made by http, answered by the
 * loop or by the reader, given back to http by its reply mailbox. Exactly one thread holds it at
 * any time; ownership moves with the mailbox push. On the heap.
 */
#ifndef MEMTEND_MODEL_COMMAND_H
#define MEMTEND_MODEL_COMMAND_H

#include "base/error.h"
#include "base/mailbox.h"
#include "model/agent_report.h"
#include "model/census.h"
#include "model/pin.h"
#include "model/rule.h"
#include "model/series.h"
#include "model/top.h"
#include "model/verdict.h"

enum command_kind {
    COMMAND_ACTION,       /* loop; answered when finished or at wait_until */
    COMMAND_ACTION_GET,   /* loop, then reader when it is not in RAM */
    COMMAND_ACTION_LIST,  /* loop (running ones), then reader */
    COMMAND_RULE_LIST,    /* loop */
    COMMAND_RULE_GET,     /* loop */
    COMMAND_RULE_PUT,     /* loop; answered when durable */
    COMMAND_RULE_DELETE,  /* loop; answered when durable */
    COMMAND_RULE_ARM,     /* loop; answered when durable */
    COMMAND_RULE_DISARM,  /* loop; answered when durable */
    COMMAND_PAUSE,        /* loop; answered when durable */
    COMMAND_RESUME,       /* loop; answered when durable */
    COMMAND_EVENT_ADD,    /* loop; answered when durable */
    COMMAND_EVENT_LIST,   /* loop (those not on disk yet), then reader */
    COMMAND_EVENT_WINDOW, /* reader: one event with the samples that are pinned for it */
    COMMAND_AUDIT_LIST,   /* reader: receipts, armings, pauses as events with who asked */
    COMMAND_SERIES,       /* reader */
    COMMAND_TOP,          /* reader: the largest processes within a time */
    COMMAND_CENSUS,       /* loop; answered when the agent has answered */
    COMMAND_AGENT_GET,    /* loop: what the agent of a process said last */
    COMMAND_DIAGNOSIS,    /* loop; answered when the probe has read its mappings, or will not */
};

enum command_result {
    COMMAND_OK,
    COMMAND_RUNNING,     /* action accepted, not finished: 202 */
    COMMAND_CREATED,     /* 201 */
    COMMAND_NOT_FOUND,   /* 404 */
    COMMAND_NO_AGENT,    /* 409 no_agent */
    COMMAND_CONFLICT,    /* 409, error says what */
    COMMAND_FORBIDDEN,   /* 403 */
    COMMAND_INVALID,     /* 422, error has text and perhaps line and column */
    COMMAND_UNAVAILABLE, /* 503: queue full, store off, deadline */
};

/* Who asks. Rights of DESIGN section 8: all, or reads and collect/trim of one's own processes. */
struct asker {
    bool all;  /* root, the daemon's uid, group memtend-admin, or a token */
    uid_t uid; /* meaningful when !all */
    char text[RECEIPT_ASKER_SIZE];
};

#define COMMAND_LIST_LIMIT  1000
#define COMMAND_CURSOR_SIZE 48
#define COMMAND_RULES_LIMIT 256

struct command {
    enum command_kind kind;
    struct asker asker;

    /* The question; which fields count depends on kind. */
    struct target target;                   /* ACTION, AGENT_GET, CENSUS, DIAGNOSIS */
    struct census_question census_question; /* CENSUS */
    size_t step_count;                      /* ACTION */
    enum step_kind steps[STEP_LIMIT];
    bool dry_run;
    uint64_t wait_until_usec;     /* ACTION: monotonic; 0 = answer at once with RUNNING */
    char name[RECEIPT_RULE_SIZE]; /* ACTION_GET: receipt id; RULE_*, PAUSE: rule name or "" */
    char *text;                   /* RULE_PUT: rule text; EVENT_ADD: event text. Owned */
    enum event_kind event_kind;   /* EVENT_ADD; EVENT_LIST with has_event_kind */
    bool has_event_kind;
    int64_t event_id;                 /* EVENT_WINDOW */
    uint64_t for_usec;                /* PAUSE: 0 = until resumed */
    uint64_t from_wall_usec;          /* EVENT_LIST: 0 = from the beginning */
    size_t limit;                     /* lists: 1..COMMAND_LIST_LIMIT */
    char cursor[COMMAND_CURSOR_SIZE]; /* lists: "" = newest */
    struct series_query series;       /* SERIES */
    struct top_query top;             /* TOP */
    uint64_t deadline_usec;           /* monotonic; the reader gives up then */

    /* The answer. */
    enum command_result result;
    struct error error;
    size_t receipt_count;
    struct receipt *receipts; /* owned */
    size_t event_count;
    struct event *events;        /* owned; EVENT_ADD: the one made */
    struct event_window *window; /* owned; EVENT_WINDOW */
    size_t rule_count;
    struct rule_record *rules;          /* owned */
    struct series_result series_result; /* owned */
    size_t top_count;
    struct top_process *top_processes;     /* owned */
    struct census *census;                 /* owned; its outcome may be a refusal */
    struct agent_report *agent;            /* owned */
    struct diagnosis *diagnosis;           /* owned */
    char next_cursor[COMMAND_CURSOR_SIZE]; /* "" = end */

    /* Whose it is. */
    struct mailbox *reply_to;  /* http's */
    void *owner;               /* http's connection; nobody else looks at it */
    uint64_t durable_sequence; /* loop: answer when the store says durable up to this */
};

struct command *command_new(enum command_kind kind); /* NULL: no memory */
void command_free(struct command *command);
/* Set result and error text together. */
void command_refuse(struct command *command, enum command_result result, const char *format, ...)
    _printf_(3, 4);

#endif
