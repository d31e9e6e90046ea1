/* SPDX-License-Identifier: MIT */
/*
 * The rules in force: those of files (rules.d beside the configuration, and --rules) and those of
 * the API, which live in the store. Decides which of them act, evaluates them each tick and hands
 * what fires to the actions. A file rule hides an API rule of the same name. Loop thread only,
 * except rule_book_check().
 */
#ifndef MEMTEND_ENGINE_RULE_BOOK_H
#define MEMTEND_ENGINE_RULE_BOOK_H

#include "base/buffer.h"
#include "base/cleanup.h"
#include "engine/actions.h"
#include "engine/table.h"
#include "model/command.h"

struct journal;
struct pause;
struct rule_book;

struct rule_book_ops {
    /* actions_order_rule() in the daemon: orders of armed rules. Anything but ORDER_ACCEPTED: the
     * cool-down does not start and the order comes again with the next tick. */
    enum order_refusal (*order)(void *context, const struct rule_order *order,
                                char ret_receipt[static RECEIPT_ID_SIZE], struct error *error);
    /* Our own processes, which no rule touches. NULL: none. */
    bool (*is_own)(void *context, const struct process *process);
    void *context;
};

struct rule_book_settings {
    struct journal *journal;
    const struct pause *pause;
    const char *config_directory; /* has rules.d in it; NULL = none */
    const char *const *files;     /* --rules */
    size_t file_count;
    uint64_t tick_usec;
    struct rule_book_ops ops;
};

/* Texts and paths are copied. Empty until rule_book_load(). */
int rule_book_new(const struct rule_book_settings *settings, struct rule_book **ret_book);
void rule_book_free(struct rule_book *book);
DEFINE_CLEANUP(struct rule_book *, rule_book_free);

/* What the store holds; before rule_book_load(). A stored rule that does not parse any more stays
 * in the store and is left out: -EINVAL with error. */
int rule_book_add_stored(struct rule_book *book, const char *name, const char *text,
                         struct error *error);
int rule_book_add_arming(struct rule_book *book, const struct rule_arming *arming);

/*
 * Read all rule files: at start and at SIGHUP. Whole or not at all: on any error the rules in
 * force stay, and report has every error with its caret. Rules that did not change keep their
 * state. Writes the event that says what changed, and one for each rule that an edit disarmed.
 * 0, -EINVAL (texts), or -errno (files).
 */
int rule_book_load(struct rule_book *book, struct buffer *report);
/* The same check without a book, for --check-config. Any thread. */
int rule_book_check(const char *config_directory, const char *const *files, size_t file_count,
                    struct buffer *report);

/*
 * Evaluate every rule for every process that is no kernel thread and not ours. Sets stat_wanted,
 * slow_wanted, deep_wanted and so on of each tracked process: does a rule that may match it name
 * such a field?
 */
void rule_book_tick(struct rule_book *book, struct table *table, const struct sample *host,
                    uint64_t now_usec);
/* Has a rule fired for this process, in earnest or as a trial? */
bool rule_book_fired(const struct tracked *tracked);
/* The process is gone. */
void rule_book_forget(struct tracked *tracked);

/* COMMAND_RULE_*. Takes the command. */
void rule_book_command(struct rule_book *book, struct command *command);

bool rule_book_has(const struct rule_book *book, const char *name);
/* Is this rule in force and armed right now? A ladder of one that is not any more stops. */
bool rule_book_is_armed(const struct rule_book *book, const char *name);
size_t rule_book_count(const struct rule_book *book);       /* in force */
size_t rule_book_armed_count(const struct rule_book *book); /* of those */

#endif
