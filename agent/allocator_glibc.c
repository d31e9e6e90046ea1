/* SPDX-License-Identifier: MIT */
/*
 * glibc's malloc. Two things it cannot be asked without harm: the number of its arenas and the free
 * bytes that are resident. Only malloc_info() tells them, through a stdio stream, and exit() walks
 * the list of all streams without regard for a thread that is using one.
 */
#include "allocator_kind.h"

#include "base/text.h"
#include "symbols.h"

#include <stdlib.h>

static enum allocator_claim glibc_claim(bool counted, char ret_version[static CONTROL_TEXT_SIZE])
{
    if (!counted)
        return ALLOCATOR_ABSENT;
    text_copy(ret_version, CONTROL_TEXT_SIZE, libc_.version());
    return ALLOCATOR_SERVES;
}

static enum control_result glibc_trim(void)
{
    libc_.malloc_trim(0);
    return CONTROL_RESULT_OK;
}

static enum allocator_claim glibc_identify(char ret_version[static CONTROL_TEXT_SIZE])
{
    if (!libc_.mallinfo2 || !libc_.malloc_trim)
        return ALLOCATOR_ABSENT;
    size_t before = libc_.mallinfo2().uordblks;
    void *volatile trial = malloc(ALLOCATOR_TRIAL_BYTES);
    size_t during = libc_.mallinfo2().uordblks;
    free(trial);
    return glibc_claim(trial && during >= before + ALLOCATOR_TRIAL_BYTES, ret_version);
}

/* mallinfo2() goes over every free chunk of every arena: 217 ms were seen with 100,000 of them. */
static void glibc_stats(struct control_stats *stats)
{
    struct symbols_mallinfo info = libc_.mallinfo2();
    stats->malloc_total_bytes = info.arena + info.hblkhd;
    stats->malloc_mapped_bytes = info.arena + info.hblkhd;
    stats->malloc_in_use_bytes = info.uordblks + info.hblkhd;
    stats->malloc_single_bytes = info.hblkhd;
    stats->malloc_free_bytes = info.fordblks;
    stats->malloc_keepcost_bytes = info.keepcost;
    stats->has |= CONTROL_HAS_MALLOC_TOTAL | CONTROL_HAS_MALLOC_MAPPED | CONTROL_HAS_MALLOC_IN_USE |
                  CONTROL_HAS_MALLOC_SINGLE | CONTROL_HAS_MALLOC_FREE | CONTROL_HAS_MALLOC_KEEPCOST;
}

const struct allocator_kind allocator_glibc = {
    .name = "glibc",
    .identify = glibc_identify,
    .stats = glibc_stats,
    .trim = glibc_trim,
};

/* Before 2.33. mallinfo() counts in int, modulo 4 GiB, and nothing tells whether one of its numbers
 * has wrapped: good for a difference, not for statistics. */
static enum allocator_claim glibc_old_identify(char ret_version[static CONTROL_TEXT_SIZE])
{
    if (libc_.mallinfo2 || !libc_.mallinfo || !libc_.malloc_trim)
        return ALLOCATOR_ABSENT;
    unsigned before = (unsigned)libc_.mallinfo().uordblks;
    void *volatile trial = malloc(ALLOCATOR_TRIAL_BYTES);
    unsigned grown = (unsigned)libc_.mallinfo().uordblks - before;
    free(trial);
    return glibc_claim(trial && grown >= ALLOCATOR_TRIAL_BYTES && grown <= INT32_MAX, ret_version);
}

const struct allocator_kind allocator_glibc_old = {
    .name = "glibc",
    .identify = glibc_old_identify,
    .trim = glibc_trim,
};
