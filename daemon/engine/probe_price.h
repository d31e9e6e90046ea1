/* SPDX-License-Identifier: MIT */
/*
 * How long the page tables of a process take to read, from how long they took the last times: huge
 * pages take a two hundredth of what others do, shared ones twice as much. What is not known yet,
 * and what a process grew by since, is taken for pages of 4 KiB. Pure; plain data, one owner.
 */
#ifndef MEMTEND_ENGINE_PROBE_PRICE_H
#define MEMTEND_ENGINE_PROBE_PRICE_H

#include <stdbool.h>
#include <stdint.h>

struct probe_reading {
    int64_t rss_bytes; /* 0 = none */
    uint64_t cpu_usec : 63;
    bool guessed : 1; /* from a reading page by page; then there is none before it */
};

/* Zeroed = never read. */
struct probe_price {
    struct probe_reading last, before;
};

/* CPU time of a reading of smaps_rollup: of the cheaper of the last two, for one alone may have
 * been disturbed. */
uint64_t probe_price_usec(const struct probe_price *price, int64_t rss_bytes);
/* The same for smaps. */
uint64_t probe_price_layers_usec(const struct probe_price *price, int64_t rss_bytes);

/* It was read. */
void probe_price_learn(struct probe_price *price, int64_t rss_bytes, uint64_t cpu_usec);
/* Of the resident bytes; -1: not told. */
struct probe_pages {
    int64_t rss_bytes, anonymous_bytes, huge_bytes;
};
/*
 * From a reading page by page, which tells what is huge, or else took far less time for it: so that
 * what has never been read at once need not stay too dear for ever. Only a guess: not believed
 * against a real reading unless it says less than half of it.
 */
void probe_price_learn_pages(struct probe_price *price, const struct probe_pages *pages,
                             uint64_t cpu_usec);
/* From smaps. */
void probe_price_learn_layers(struct probe_price *price, int64_t rss_bytes, uint64_t cpu_usec,
                              uint32_t mappings);

#endif
