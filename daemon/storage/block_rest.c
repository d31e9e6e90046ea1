/* SPDX-License-Identifier: MIT */
#include "storage/block_rest.h"

#include <string.h>

/* In stored blocks: these, in any order. */
static const enum metric block_rest_parts[BLOCK_REST_PARTS] = {METRIC_ANON, METRIC_FILE,
                                                               METRIC_SHMEM};

uint16_t block_rest_part(size_t i)
{
    return columns_code(block_rest_parts[i]);
}

static int64_t block_rest_sum(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

void block_rest_add_part(const uint8_t *presence, size_t entries, const int64_t *known,
                         int64_t *values)
{
    if (!presence) {
        for (size_t i = 0; i < entries; i++)
            values[i] = block_rest_sum(values[i], known[i]);
        return;
    }
    int64_t held = known[0];
    for (size_t i = 0; i < entries; i++) {
        if (block_present(presence, i))
            held = *known++;
        values[i] = block_rest_sum(values[i], held);
    }
}

void block_rest_begin(struct block_rest *rest, size_t entries)
{
    rest->entries = entries;
    rest->count = 0;
    rest->parts = 0;
}

static void block_rest_take_rss(struct block_rest *rest, const uint8_t *presence, size_t count,
                                const int64_t *values)
{
    rest->count = count;
    rest->whole = !presence;
    memcpy(rest->rss, values, count * sizeof(*values));
    if (presence)
        memcpy(rest->presence, presence, (rest->entries + 7) / 8);
}

void block_rest_take(struct block_rest *rest, uint16_t code, const uint8_t *presence, size_t count,
                     const int64_t *values)
{
    const uint8_t *where = count < rest->entries ? presence : NULL;
    if (code == columns_code(METRIC_RSS))
        block_rest_take_rss(rest, where, count, values);
    for (size_t i = 0; i < BLOCK_REST_PARTS; i++) {
        if (code != block_rest_part(i))
            continue;
        if (rest->parts == 0)
            memset(rest->sums, 0, rest->entries * sizeof(*rest->sums));
        rest->parts |= 1U << i;
        block_rest_add_part(where, rest->entries, values, rest->sums);
    }
}

bool block_rest_is_complete(const struct block_rest *rest)
{
    return rest->count > 0 && rest->parts == (1U << BLOCK_REST_PARTS) - 1;
}

int block_rest_encode(struct block_rest *rest, struct buffer *out,
                      struct column_summary *ret_summary)
{
    size_t count = 0;
    for (size_t i = 0; i < rest->entries; i++) {
        if (!rest->whole && !block_present(rest->presence, i))
            continue;
        rest->sums[count] = (int64_t)((uint64_t)rest->rss[count] - (uint64_t)rest->sums[i]);
        count++;
    }
    rest->parts = 0;
    return column_encode(rest->sums, count, out, ret_summary);
}
