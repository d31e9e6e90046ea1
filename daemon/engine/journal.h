/* SPDX-License-Identifier: MIT */
/*
 * The one way in which the loop makes something lasting: events, receipts, rules, armings and
 * settings go to the writer thread in order, and to the log. Nothing here waits for the disk; a
 * command that must only be answered when its record is durable is parked here until the writer
 * says so. Loop thread only.
 */
#ifndef MEMTEND_ENGINE_JOURNAL_H
#define MEMTEND_ENGINE_JOURNAL_H

#include "engine/store_writer.h"
#include "model/command.h"

struct journal;

/* writer NULL: no store; everything is answered as not durable. */
int journal_new(struct store_writer *writer, struct journal **ret_journal);
void journal_free(struct journal *journal);

/* Fills the id, and the times when 0. *ret_sequence (NULL allowed): durable once the writer passes
 * it. */
int journal_event(struct journal *journal, struct event *event, uint64_t *ret_sequence);
/* The same, and the samples from before it are kept; the newest are copied first. */
int journal_pinned_event(struct journal *journal, struct event *event, const struct pin *pin);
/* The short form; target, rule and receipt may be NULL. */
void journal_note(struct journal *journal, enum event_kind kind, const char *target,
                  const char *rule, const char *receipt, const char *format, ...) _printf_(6, 7);
int journal_receipt(struct journal *journal, const struct receipt *receipt, uint64_t *ret_sequence);
int journal_rule_put(struct journal *journal, const char *name, const char *text,
                     uint64_t *ret_sequence);
int journal_rule_delete(struct journal *journal, const char *name, uint64_t *ret_sequence);
int journal_arming_put(struct journal *journal, const struct rule_arming *arming,
                       uint64_t *ret_sequence);
int journal_arming_delete(struct journal *journal, const char *name, uint64_t *ret_sequence);
int journal_setting(struct journal *journal, const char *key, const char *value,
                    uint64_t *ret_sequence);

/* Adds events that are not on disk yet to the answer of an EVENT_LIST. */
void journal_list_events(const struct journal *journal, struct command *command);

/* Takes the command; it goes to its reply mailbox when sequence is durable, or refused with
 * COMMAND_UNAVAILABLE when the store is degraded for longer than 5 s. */
void journal_reply_when_durable(struct journal *journal, struct command *command,
                                uint64_t sequence);
/* Everything up to sequence is on disk. */
void journal_on_durable(struct journal *journal, uint64_t sequence);
void journal_on_time(struct journal *journal, uint64_t mono_usec);
uint64_t journal_durable_sequence(const struct journal *journal);
/* True when so many records wait that no new automatic action may start. */
bool journal_is_full(const struct journal *journal);

#endif
