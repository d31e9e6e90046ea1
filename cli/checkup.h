/* SPDX-License-Identifier: MIT */
/*
 * The findings of `memtend doctor`: filled by checks, printed by doctor.c. Texts are cleaned as
 * they come in. One owner.
 */
#ifndef MEMTEND_CLI_CHECKUP_H
#define MEMTEND_CLI_CHECKUP_H

#include "base/error.h"
#include "client.h"

enum finding { FINDING_OK, FINDING_WARNING, FINDING_FAILURE, FINDING_COUNT };

struct checkup {
    json_t *checks; /* array of {section, name, state, text, fix} */
    size_t counts[FINDING_COUNT];
};

void checkup_init(struct checkup *checkup);
void checkup_finish(struct checkup *checkup);
void checkup_add(struct checkup *checkup, const char *section, const char *name,
                 enum finding finding, const char *format, ...) _printf_(5, 6);
/* The command that mends the last finding. */
void checkup_fix(struct checkup *checkup, const char *format, ...) _printf_(2, 3);

/* What this machine and the caller's rights allow. */
void checkup_kernel(struct checkup *checkup);
void checkup_rights(struct checkup *checkup);
/* The daemon and its places; client is open when it answers. */
void checkup_places(struct checkup *checkup, const struct invocation *invocation);
void checkup_daemon(struct checkup *checkup, json_t *status);
/* Agents, with the daemon's list of Python processes or, when NULL, our own. */
void checkup_agents(struct checkup *checkup, json_t *status, json_t *processes);

#endif
