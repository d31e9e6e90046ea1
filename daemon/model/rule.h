/* SPDX-License-Identifier: MIT */
/*
 * A rule as people see and store it: its text and its state. The parsed form lives in rules/.
 * Text is on the heap, owned by the record.
 */
#ifndef MEMTEND_MODEL_RULE_H
#define MEMTEND_MODEL_RULE_H

#include "base/digest.h"
#include "model/receipt.h"

enum rule_source { RULE_SOURCE_FILE, RULE_SOURCE_API };

enum rule_state {
    RULE_STATE_DRY_RUN,          /* writes what it would have done */
    RULE_STATE_ARMED,            /* acts */
    RULE_STATE_DISARMED_BY_EDIT, /* was armed for another text */
    RULE_STATE_SHADOWED,         /* a file rule has the same name */
};

#define RULE_NAME_LIMIT (RECEIPT_RULE_SIZE - 1)
#define RULE_TEXT_LIMIT 8192 /* bytes of one rule */

struct rule_record {
    char name[RECEIPT_RULE_SIZE];
    char *text;
    char sha256[DIGEST_HEX_SIZE]; /* of the text; an arming is bound to it */
    enum rule_source source;
    enum rule_state state;
    uint64_t last_fired_wall_usec; /* 0 = never since daemon start */
    uint64_t fired_count;
};

/* An arming by a person, kept in the store. */
struct rule_arming {
    char name[RECEIPT_RULE_SIZE];
    char sha256[DIGEST_HEX_SIZE];
    uint64_t wall_usec;
    char asked_by[RECEIPT_ASKER_SIZE];
};

void rule_record_finish(struct rule_record *record);
const char *rule_source_name(enum rule_source source);
const char *rule_state_name(enum rule_state state);

#endif
