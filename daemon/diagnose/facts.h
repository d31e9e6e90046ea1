/* SPDX-License-Identifier: MIT */
/*
 * What the causes of a verdict ask again and again, worked out once from evidence and ledger. Pure.
 */
#ifndef MEMTEND_DIAGNOSE_FACTS_H
#define MEMTEND_DIAGNOSE_FACTS_H

#include "diagnose/evidence.h"

struct facts {
    const struct evidence *evidence;
    const struct ledger *ledger;
    int64_t rss_bytes;
    bool has_agent, python, python2;
    bool has_pools, has_malloc; /* the ledger has their lines */
    /* Anonymous memory that other processes map too; only in a family, and when USS is known. */
    bool has_shared;
    int64_t shared_bytes;
    bool has_gc;
    bool gc_enabled;
    int64_t young_objects; /* made since the last full collection and not freed by themselves */
    bool has_objects;      /* what the collector tracks, about; not in Python 2 */
    int64_t all_objects;   /* young and old */
    int64_t in_use_bytes;  /* python_used + malloc_used */
    int64_t unclear_bytes; /* of rss: in lines that only say where it is, not what */
    int64_t malloc_places; /* of rss: [heap] and arenas, all lines; 0 without mappings */
};

void facts_find(const struct evidence *evidence, const struct ledger *ledger,
                struct facts *ret_facts);
/* One value that the agent said: generations fill three. false and untouched when it did not. */
bool facts_agent_numbers(const struct agent_report *agent, const char *section, const char *key,
                         int64_t ret_numbers[static 3]);
/* 0 when the line is absent. */
int64_t facts_line(const struct facts *facts, enum layer line);
/* bytes >= permyriad of rss. */
bool facts_is_share(const struct facts *facts, int64_t bytes, int64_t permyriad);

#endif
