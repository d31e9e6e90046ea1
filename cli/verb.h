/* SPDX-License-Identifier: MIT */
/*
 * Every command of memtend, from which come dispatch, help and completions. Constant data.
 */
#ifndef MEMTEND_CLI_VERB_H
#define MEMTEND_CLI_VERB_H

#include "exit_code.h"
#include "options.h"

#include <stdbool.h>

struct verb {
    const char *name;
    const char *synopsis; /* behind the name */
    const char *summary;  /* one line */
    const char *description;
    const char *exits;    /* NULL = the common ones */
    const char *examples; /* NULL = none */
    const char *words;    /* first operand is one of these, by blanks; NULL = free */
    uint64_t options;     /* beside the common ones */
    size_t operands_min, operands_max;
    enum exit_code (*main)(const struct invocation *invocation);
    uint32_t steps;        /* bit = enum step_kind it may do: help shows what they cannot */
    bool takes_file;       /* the first operand is one */
    bool stops_at_operand; /* what follows the first operand is not ours */
};

/* Each ends with a NULL name. */
extern const struct verb verbs_of_starting[]; /* programs, with the agent in them */
extern const struct verb verbs_of_questions[];
extern const struct verb verbs_of_files[]; /* what is stored, out and back */

/* All of them, in the order in which help has them; NULL behind the last. */
const struct verb *verb_at(size_t index);

/* NULL when there is none. */
const struct verb *verb_find(const char *name);
/* The verb that was probably meant; NULL when nothing is near. */
const struct verb *verb_guess(const char *name);

/* Print the help of one command, or of all when NULL. */
enum exit_code help_verb(const struct verb *verb);

enum exit_code run_main(const struct invocation *invocation);
enum exit_code enable_main(const struct invocation *invocation);
enum exit_code disable_main(const struct invocation *invocation);
enum exit_code ps_main(const struct invocation *invocation);
enum exit_code act_main(const struct invocation *invocation);
enum exit_code heap_main(const struct invocation *invocation);
enum exit_code census_main(const struct invocation *invocation);
enum exit_code events_main(const struct invocation *invocation);
enum exit_code receipts_main(const struct invocation *invocation);
enum exit_code rules_main(const struct invocation *invocation);
enum exit_code pause_main(const struct invocation *invocation);
enum exit_code status_main(const struct invocation *invocation);
enum exit_code host_main(const struct invocation *invocation);
enum exit_code query_main(const struct invocation *invocation);
enum exit_code export_main(const struct invocation *invocation);
enum exit_code backup_main(const struct invocation *invocation);
enum exit_code restore_main(const struct invocation *invocation);
enum exit_code open_main(const struct invocation *invocation);
enum exit_code doctor_main(const struct invocation *invocation);
enum exit_code completion_main(const struct invocation *invocation);
enum exit_code top_main(const struct invocation *invocation);
enum exit_code why_main(const struct invocation *invocation);
enum exit_code help_main(const struct invocation *invocation);
enum exit_code version_main(const struct invocation *invocation);

#endif
