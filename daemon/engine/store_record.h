/* SPDX-License-Identifier: MIT */
/*
 * One record on its way to the store: what to write and its place in the order. On the heap; made
 * by the loop, freed by the writer once it is durable.
 */
#ifndef MEMTEND_ENGINE_STORE_RECORD_H
#define MEMTEND_ENGINE_STORE_RECORD_H

#include "storage/store.h"

#include <stddef.h>

struct store_record {
    struct store_record *next; /* the holder's list */
    uint64_t sequence;
    int (*write)(struct store *store, const void *payload);
    max_align_t payload[]; /* what write expects */
};

/* NULL: no memory. The payload is a copy. */
/* pin NULL: nothing is pinned for it. */
struct store_record *store_record_event(const struct event *event, const struct pin *pin);
struct store_record *store_record_receipt(const struct receipt *receipt);
struct store_record *store_record_rule_put(const char *name, const char *text);
struct store_record *store_record_rule_delete(const char *name);
struct store_record *store_record_arming_put(const struct rule_arming *arming);
struct store_record *store_record_arming_delete(const char *name);
struct store_record *store_record_setting(const char *name, const char *value); /* NULL: forget */
/* Ends the writer: comes last and is not written. */
struct store_record *store_record_stop(void);

#endif
