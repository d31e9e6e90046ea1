/* SPDX-License-Identifier: MIT */
/*
 * The stop button: everything that acts by itself asks pause_is_on() before each rung. A pause
 * holds for all rules or for one, until a time or until resumed, and survives a restart through
 * the setting "pause"; a file PAUSE in the configuration directory stops all rules as long as it is
 * there. Loop thread only.
 */
#ifndef MEMTEND_ENGINE_PAUSE_H
#define MEMTEND_ENGINE_PAUSE_H

#include "base/cleanup.h"
#include "model/command.h"
#include "model/status.h"

struct journal;
struct rule_book;
struct pause;

/* Settings of the store that belong to the pause: this one for everything, "pause.N" for a rule. */
#define PAUSE_SETTING "pause"
#define PAUSE_RULES   32 /* rules paused one by one at a time */

/* directory: where PAUSE is looked for, NULL = nowhere; it need not exist (yet). */
int pause_new(struct journal *journal, const char *directory, struct pause **ret_pause);
void pause_free(struct pause *pause);
DEFINE_CLEANUP(struct pause *, pause_free);

/*
 * A setting as it was stored, before the first pause_on_time(). -ENOENT: not one of ours. -EINVAL:
 * unreadable; then everything is paused until resumed, because somebody had asked for a pause.
 */
int pause_load(struct pause *pause, const char *name, const char *value, uint64_t mono_usec,
               uint64_t wall_usec);

/* Each tick: ends what is over, and looks for PAUSE once a second. */
void pause_on_time(struct pause *pause, uint64_t mono_usec);

/*
 * Is this rule (NULL or "": everything) stopped? *ret_reason (NULL allowed) is a text for people,
 * valid until the next call of any function here.
 */
bool pause_is_on(const struct pause *pause, const char *rule, const char **ret_reason);

/* COMMAND_PAUSE and COMMAND_RESUME. Takes the command; answered when durable. A rule that the
 * book does not know is COMMAND_NOT_FOUND. */
void pause_command(struct pause *pause, const struct rule_book *book, struct command *command);

/* Fills paused, paused_until_wall_usec and pause_reason: the pause of everything. */
void pause_status(const struct pause *pause, struct status *status);

#endif
