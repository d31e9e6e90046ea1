/* SPDX-License-Identifier: MIT */
/*
 * Transactions of everything that the store holds, whose content follows from a seed and their
 * number alone, and what each of them leaves. So a store found anywhere can be compared with what
 * it must hold: exactly the first k transactions, and k not below the last durable one.
 */
#ifndef MEMTEND_TESTS_STORE_WORKLOAD_H
#define MEMTEND_TESTS_STORE_WORKLOAD_H

#include "store_fixture.h"

#define WORKLOAD_LIMIT     1000 /* transactions */
#define WORKLOAD_FIRST_PID 10

/* What is there after so many transactions. */
struct workload_state {
    size_t ticks, events, receipts, rule_version;
    bool last_finished; /* the last receipt */
};

struct workload {
    struct fixture fixture; /* its tick is used, its counters are not */
    uint64_t seed;
    size_t rows;                      /* of a tick */
    size_t padding;                   /* rules of 8 KiB that each transaction writes again */
    size_t tried, committed, durable; /* numbers of transactions: begun, returned 0, last durable */
    int64_t
        first_row; /* of the processes, new with each opening as with each start of the daemon */
    bool declared; /* they are in the store */
    size_t taken;  /* transaction whose ticks this store has taken in; with these numbers */
    int64_t taken_ids[2];
    struct workload_state states[WORKLOAD_LIMIT + 1];
};

void workload_new(struct workload *workload, uint64_t seed, size_t rows, size_t padding);
/* From the first transaction on again, for a directory that is empty again. */
void workload_reset(struct workload *workload);
void workload_free(struct workload *workload);

/* As a daemon that starts: what fails is for the caller to judge. */
int workload_open(struct workload *workload, struct error *error);
/* The next transaction, or the one that failed once more; what failed is rolled back. */
int workload_try(struct workload *workload);

/* The store holds the first k transactions and nothing else, with `least` <= k <= `most`.*/
size_t workload_check(const struct workload *workload, struct store *store, const char *directory,
                      size_t least, size_t most);
/*
 * The same of an image of the directory, which must be sound, open as it is and go on to be
 * written. `may_be_new`: it may also have no tables yet. Empties it.
 */
size_t workload_check_image(const struct workload *workload, const char *directory, size_t least,
                            size_t most, bool may_be_new);

/* Removes the files in a directory. */
void workload_empty(const char *directory);
/* MEMTEND_LONG=1 is set. */
bool workload_is_long(void);
uint64_t workload_seed(void); /* MEMTEND_SEED, else always the same */

#endif
