/* SPDX-License-Identifier: MIT */
#include "engine/probe_price.h"

/* Measured: 9 to 16 ms for a GiB of 4 KiB pages. */
#define PRICE_USEC_PER_GIB UINT64_C(16000)
/* To open, to find the process, to write: the least that the smallest took. */
#define PRICE_BASE_USEC UINT64_C(25)
/* From one reading to the next: half of a quarter is the spread of readings on a busy machine. */
#define PRICE_MARGIN_PERCENT 25

/* What smaps takes more: text for each mapping, and counting by more kinds. */
#define PRICE_LAYERS_PERCENT   130
#define PRICE_USEC_PER_MAPPING 3
#define PRICE_RSS_MAX_BYTES    (INT64_C(1) << 46)
/* As it is kept; more is nonsense anyway. */
#define PRICE_USEC(usec) ((usec) & (UINT64_MAX >> 1))

/*
 * pagemap against smaps_rollup, measured for a GiB: 12.0 and 14.9 ms in pages of 4 KiB, 0.9 and 0.1
 * in huge ones. What it takes to copy its words, 0.9 ms, is taken off, but for a reserve; files and
 * shared memory take smaps_rollup longer than anonymous memory does.
 */
#define PRICE_PAGES_COPY_USEC_PER_GIB UINT64_C(500)
#define PRICE_HUGE_USEC_PER_GIB       UINT64_C(200)
#define PRICE_PAGES_PERCENT           135
#define PRICE_SHARED_USEC_PER_GIB     UINT64_C(8000)

static uint64_t price_for(int64_t bytes, uint64_t usec_per_gib)
{
    return (uint64_t)bytes / 1024 * usec_per_gib / UINT64_C(1048576);
}

static uint64_t price_of_unknown(int64_t bytes)
{
    return price_for(bytes, PRICE_USEC_PER_GIB);
}

static uint64_t price_after(const struct probe_reading *reading, int64_t rss_bytes)
{
    uint64_t known = reading->cpu_usec > PRICE_BASE_USEC ? reading->cpu_usec - PRICE_BASE_USEC : 0;
    if (rss_bytes > reading->rss_bytes)
        return known * (100 + PRICE_MARGIN_PERCENT) / 100 +
               price_of_unknown(rss_bytes - reading->rss_bytes);
    /* It may have given back what was cheap. */
    uint64_t part =
        known * (uint64_t)(rss_bytes / 1024 + 1) / (uint64_t)(reading->rss_bytes / 1024 + 1);
    uint64_t most = price_of_unknown(rss_bytes);
    uint64_t price = known < most ? known : most;
    return (part > price ? part : price) * (100 + PRICE_MARGIN_PERCENT) / 100;
}

uint64_t probe_price_usec(const struct probe_price *price, int64_t rss_bytes)
{
    if (rss_bytes < 0)
        rss_bytes = 0;
    if (rss_bytes > PRICE_RSS_MAX_BYTES)
        rss_bytes = PRICE_RSS_MAX_BYTES;
    if (price->last.rss_bytes == 0)
        return PRICE_BASE_USEC + price_of_unknown(rss_bytes);
    uint64_t usec = price_after(&price->last, rss_bytes);
    if (price->before.rss_bytes > 0) {
        uint64_t before = price_after(&price->before, rss_bytes);
        usec = before < usec ? before : usec;
    }
    return PRICE_BASE_USEC + usec;
}

uint64_t probe_price_layers_usec(const struct probe_price *price, int64_t rss_bytes)
{
    return probe_price_usec(price, rss_bytes) * PRICE_LAYERS_PERCENT / 100;
}

void probe_price_learn(struct probe_price *price, int64_t rss_bytes, uint64_t cpu_usec)
{
    if (rss_bytes <= 0)
        return;
    if (rss_bytes > PRICE_RSS_MAX_BYTES)
        rss_bytes = PRICE_RSS_MAX_BYTES;
    price->before = price->last;
    if (price->last.guessed)
        price->before = (struct probe_reading){0};
    price->last = (struct probe_reading){.rss_bytes = rss_bytes, .cpu_usec = PRICE_USEC(cpu_usec)};
}

static uint64_t price_guess(const struct probe_pages *pages, uint64_t cpu_usec)
{
    int64_t rss = pages->rss_bytes, huge = pages->huge_bytes;
    if (huge >= 0 && huge <= rss)
        return price_of_unknown(rss - huge) + price_for(huge, PRICE_HUGE_USEC_PER_GIB);
    uint64_t copy = price_for(rss, PRICE_PAGES_COPY_USEC_PER_GIB);
    return (cpu_usec > copy ? cpu_usec - copy : 0) * PRICE_PAGES_PERCENT / 100;
}

void probe_price_learn_pages(struct probe_price *price, const struct probe_pages *pages,
                             uint64_t cpu_usec)
{
    int64_t rss = pages->rss_bytes, anonymous = pages->anonymous_bytes;
    if (rss <= 0 || rss > PRICE_RSS_MAX_BYTES || anonymous > rss)
        return;
    int64_t shared = rss - (anonymous > 0 ? anonymous : 0);
    uint64_t guess = PRICE_BASE_USEC + price_guess(pages, cpu_usec) +
                     price_for(shared, PRICE_SHARED_USEC_PER_GIB);
    bool known = price->last.rss_bytes > 0 && !price->last.guessed;
    if (known && guess >= probe_price_usec(price, rss) / 2)
        return;
    *price = (struct probe_price){
        .last = {.rss_bytes = rss, .cpu_usec = PRICE_USEC(guess), .guessed = true}};
}

void probe_price_learn_layers(struct probe_price *price, int64_t rss_bytes, uint64_t cpu_usec,
                              uint32_t mappings)
{
    uint64_t text = (uint64_t)mappings * PRICE_USEC_PER_MAPPING;
    uint64_t pages = cpu_usec > text ? cpu_usec - text : 0;
    probe_price_learn(price, rss_bytes, pages * 100 / PRICE_LAYERS_PERCENT);
}
