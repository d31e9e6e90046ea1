/* SPDX-License-Identifier: MIT */
/*
 * What the daemon answered, and the only way to read it. Nothing in it is trusted: a member of
 * another type counts as absent, and every text comes out cleaned (a process chooses its own name).
 * Members are borrowed from the answer.
 */
#ifndef MEMTEND_CLI_ANSWER_H
#define MEMTEND_CLI_ANSWER_H

#include "exit_code.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct answer {
    long status;        /* HTTP */
    json_t *body;       /* an object, or NULL: no body, or not JSON */
    char location[256]; /* of a 201 or 202; "" = none */
};

void answer_finish(struct answer *answer); /* safe on a zeroed one */

/* 0 for 2xx with an object; else the problem is told on stderr and its exit code returned. */
enum exit_code answer_judge(const struct answer *answer);
/* Is it this problem ("no_agent")? By its type, urn:memtend:problem:NAME. */
bool answer_is_problem(const struct answer *answer, const char *name);

/* One line without controls; "" when absent. */
const char *member_text(json_t *object, const char *key);
/* Several lines, each cleaned, tabs as blanks; "" when absent. */
const char *member_lines(json_t *object, const char *key);
/* Text, or a number as text ("" when neither): ids may be either. */
const char *member_id(json_t *object, const char *key);
bool member_number(json_t *object, const char *key, double *ret_value);
bool member_integer(json_t *object, const char *key, int64_t *ret_value);
bool member_flag(json_t *object, const char *key);      /* false when absent */
json_t *member_object(json_t *object, const char *key); /* NULL when absent */
json_t *member_array(json_t *object, const char *key);  /* NULL when absent */
/* Item of an array as clean text; "" when it is none. */
const char *item_text(json_t *array, size_t index);

#endif
