/* SPDX-License-Identifier: MIT */
/*
 * What the rows of suspect_rows.h have in common, and those that have a file of their own. With the
 * GIL, and only while it is held.
 */
#ifndef MEMTEND_AGENT_SUSPECT_LOOK_H
#define MEMTEND_AGENT_SUSPECT_LOOK_H

#include "pyobject.h"
#include "suspect_rows.h"

/* Fills the finding; path NULL: that of the walk will do. */
void suspect_say(struct suspect_look *look, uint64_t count, const char *path, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));
enum pyobject_kind suspect_kind(void *object);
/* Length of a container behind the name of an object; 0 when it is none. */
uint64_t suspect_length(void *object, const char *name);
/* Whether time is over, looked at now and then; seen: objects so far. */
bool suspect_is_late(uint64_t seen, uint64_t deadline_usec);

/* The module is logging. */
bool suspect_handlers(struct suspect_look *look);
bool suspect_loggers(struct suspect_look *look);

#endif
