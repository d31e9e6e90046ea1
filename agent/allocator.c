/* SPDX-License-Identifier: MIT */
#include "allocator.h"

#include "base/clock.h"
#include "base/text.h"
#include "symbols.h"

#include <dlfcn.h>
#include <stdlib.h>

/* Above the largest chunk that glibc's per-thread cache keeps (1032 bytes): a cached chunk counts
 * as in use before and after. Below the smallest size that gets its own mapping. */
#define ALLOCATOR_TRIAL_BYTES 3000

static struct {
    char name[CONTROL_TEXT_SIZE];
    bool glibc;
} allocator;

/* Does glibc's count follow what malloc() does? A symbol look-up cannot tell: programs carry other
 * allocators inside, and a static one answers dlsym("malloc") with a stub of its own. */
static bool allocator_is_glibc(void)
{
    if (!libc_.mallinfo2 || !libc_.malloc_trim)
        return false;
    size_t before = libc_.mallinfo2().uordblks;
    void *volatile trial = malloc(ALLOCATOR_TRIAL_BYTES);
    size_t during = libc_.mallinfo2().uordblks;
    free(trial);
    return trial && during >= before + ALLOCATOR_TRIAL_BYTES;
}

static const char *allocator_other(void)
{
    static const struct {
        const char *symbol, *name;
    } others[] = {{"mallctl", "jemalloc"},
                  {"je_mallctl", "jemalloc"},
                  {"MallocExtension_ReleaseFreeMemory", "tcmalloc"},
                  {"mi_version", "mimalloc"}};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (symbols_find(RTLD_DEFAULT, others[i].symbol))
            return others[i].name;
    return "";
}

void allocator_identify(void)
{
    allocator.glibc = allocator_is_glibc();
    if (!allocator.glibc) {
        text_copy(allocator.name, sizeof(allocator.name), allocator_other());
        return;
    }
    size_t length = text_copy(allocator.name, sizeof(allocator.name), "glibc ");
    text_copy(allocator.name + length, sizeof(allocator.name) - length, libc_.version());
}

const char *allocator_name(void)
{
    return allocator.name;
}

uint32_t allocator_capabilities(void)
{
    return allocator.glibc ? CONTROL_CAN_MALLOC | CONTROL_CAN_TRIM : 0;
}

/* The number of arenas stays unknown: only malloc_info() tells it, through a stdio stream, and
 * exit() walks the list of all streams without regard for a thread that is using one. */
void allocator_stats(struct control_stats *stats)
{
    if (!allocator.glibc)
        return;
    uint64_t begin = clock_mono_usec();
    struct symbols_mallinfo info = libc_.mallinfo2();
    stats->malloc_usec = clock_mono_usec() - begin;
    stats->malloc_total_bytes = info.arena + info.hblkhd;
    stats->malloc_in_use_bytes = info.uordblks + info.hblkhd;
    stats->malloc_free_bytes = info.fordblks;
    stats->malloc_keepcost_bytes = info.keepcost;
    stats->has |= CONTROL_HAS_MALLOC_TOTAL | CONTROL_HAS_MALLOC_IN_USE | CONTROL_HAS_MALLOC_FREE |
                  CONTROL_HAS_MALLOC_KEEPCOST | CONTROL_HAS_MALLOC_USEC;
}

uint64_t allocator_trim(void)
{
    uint64_t begin = clock_mono_usec();
    libc_.malloc_trim(0);
    return clock_mono_usec() - begin;
}
