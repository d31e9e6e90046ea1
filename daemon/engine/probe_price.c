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

static uint64_t price_of_unknown(int64_t bytes)
{
    return (uint64_t)bytes / 1024 * PRICE_USEC_PER_GIB / UINT64_C(1048576);
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
    price->last = (struct probe_reading){rss_bytes, cpu_usec};
}

void probe_price_learn_layers(struct probe_price *price, int64_t rss_bytes, uint64_t cpu_usec,
                              uint32_t mappings)
{
    uint64_t text = (uint64_t)mappings * PRICE_USEC_PER_MAPPING;
    uint64_t pages = cpu_usec > text ? cpu_usec - text : 0;
    probe_price_learn(price, rss_bytes, pages * 100 / PRICE_LAYERS_PERCENT);
}
