/* SPDX-License-Identifier: MIT */
/*
 * The writer thread: owns the store's write connection. The loop hands ticks and records over and
 * never waits for the disk; the writer answers with acks. Two mailboxes lead in: samples (from a
 * fixed pool of ticks) and records (events, receipts, rules, armings, settings; in order, each
 * with a sequence number, never dropped). Nothing is acknowledged before a COMMIT that reached the
 * disk. A disk that fails makes the state degraded: records stay in RAM, the oldest ticks are
 * merged into later ones (resolution is lost, no value), and it resumes by itself.
 *
 * All functions are for the loop thread.
 */
#ifndef MEMTEND_ENGINE_STORE_WRITER_H
#define MEMTEND_ENGINE_STORE_WRITER_H

#include "model/status.h"
#include "storage/store.h"

struct store_writer;

struct store_writer_config {
    struct store_config store; /* directory is copied */
    size_t max_processes;      /* capacity of each tick */
};

/* What the loop starts from. */
struct store_writer_start {
    enum store_state state;     /* degraded: the file could not be opened, see report.text */
    struct store_report report; /* report.text: say it in the log and as an event */
    struct store_content content;
    int64_t next_row; /* first free tick_process.row */
};

/*
 * Opens the store and starts the thread: the one time that the loop's thread touches the disk. A
 * store that cannot be opened is no failure: state is degraded, rules come from their copy, and
 * the writer keeps trying. Fails only with -ENOMEM and the like.
 */
int store_writer_start(const struct store_writer_config *config, struct store_writer **ret_writer,
                       struct store_writer_start *ret_start);
/* The newest samples, for the reader; until store_writer_stop(). */
struct shelf *store_writer_shelf(struct store_writer *writer);

/* Final commit, closes, ends the thread. -EIO when something could not be stored. NULL: 0. */
int store_writer_stop(struct store_writer *writer);

/*
 * A tick to fill, counts 0, arrays of max_processes. NULL: the writer is behind; skip this tick,
 * count it, and put what changed (rows, new processes, ended ones) into a later one.
 */
struct tick *store_writer_tick_get(struct store_writer *writer);
void store_writer_tick_put(struct store_writer *writer, struct tick *tick);

/*
 * Records. 0 and *ret_sequence (NULL allowed), or -ENOBUFS (STORE_WRITER_RECORDS_HARD waiting) or
 * -ENOMEM. The event's id is given here: *ret_id (NULL allowed). `pin` (NULL allowed): whose
 * samples from before it are kept.
 */
int store_writer_event(struct store_writer *writer, const struct event *event,
                       const struct pin *pin, int64_t *ret_id, uint64_t *ret_sequence);
int store_writer_receipt(struct store_writer *writer, const struct receipt *receipt,
                         uint64_t *ret_sequence);
int store_writer_rule_put(struct store_writer *writer, const char *name, const char *text,
                          uint64_t *ret_sequence);
int store_writer_rule_delete(struct store_writer *writer, const char *name, uint64_t *ret_sequence);
int store_writer_arming_put(struct store_writer *writer, const struct rule_arming *arming,
                            uint64_t *ret_sequence);
int store_writer_arming_delete(struct store_writer *writer, const char *name,
                               uint64_t *ret_sequence);
/* value NULL: forget it. Longer than STORE_SETTING_VALUE_SIZE - 1: -E2BIG. */
int store_writer_setting(struct store_writer *writer, const char *name, const char *value,
                         uint64_t *ret_sequence);

/* Above this no new automatic action may start; what is under way still has room to finish. */
#define STORE_WRITER_RECORDS_LIMIT 10000
#define STORE_WRITER_RECORDS_HARD  11000
/* Records not yet known to be durable (by the acks popped so far). */
size_t store_writer_pending(const struct store_writer *writer);

/* CPU time of its thread so far. */
uint64_t store_writer_cpu_usec(const struct store_writer *writer);

struct store_ack {
    uint64_t durable_sequence; /* every record up to it is on disk */
    enum store_state state;
    uint64_t size_bytes; /* database and its log */
    struct store_losses losses;
    char text[STATUS_TEXT_SIZE]; /* degraded: why; "" otherwise */
    /* "" or, once, what a person must hear: the file was damaged in use and set aside. */
    char notice[240];
    /* Once: the file was replaced while the daemon ran, and knows no process. */
    bool forgot_processes;
};

/* For epoll: readable while acks wait. */
int store_writer_acks_fd(const struct store_writer *writer);
/* false: none. Acks are latest-wins: each one carries the whole state. */
bool store_writer_ack_pop(struct store_writer *writer, struct store_ack *ret_ack);

#endif
