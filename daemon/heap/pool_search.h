/* SPDX-License-Identifier: MIT */
/*
 * What becomes known while the memory of a process is searched for pools: which CPython it is, by
 * the names of its files, then the pools, by their heads. Its functions are what those who read the
 * process call for each file and each place. Pure, plain data, one owner.
 */
#ifndef MEMTEND_HEAP_POOL_SEARCH_H
#define MEMTEND_HEAP_POOL_SEARCH_H

#include "heap/cpython.h"
#include "heap/pool.h"

#include <stddef.h>

struct pool_search {
    bool is_cpython;
    struct cpython version; /* 0.0: not known */
    uint32_t pool_bytes;    /* to be set before the first head */
    struct pool_tally tally;
};

/* True: nothing better will come. A mapped file counts when its name tells the version. */
bool pool_search_on_file(void *search, bool executed, const char *name, size_t length);
/* Pools are as large as this, or, of a version that is not known, most likely. */
uint32_t pool_search_bytes(const struct pool_search *search);
/* POOL_HEAD_SIZE bytes, by rising address. */
void pool_search_on_head(void *search, uint64_t address, const unsigned char *bytes);

#endif
