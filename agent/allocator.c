/* SPDX-License-Identifier: MIT */
#include "allocator.h"

#include "base/clock.h"
#include "base/text.h"
#include "symbols.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* Above the largest chunk that glibc's per-thread cache keeps (1032 bytes): a cached chunk counts
 * as in use before and after. Below the smallest size that gets its own mapping. */
#define ALLOCATOR_TRIAL_BYTES 3000

/* malloc_info() walks the free chunks once more; where the first walk was dear the number of
 * arenas is not worth a second. */
#define ALLOCATOR_DEAR_USEC 5000

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

struct allocator_count {
    uint64_t arenas;
    size_t matched; /* bytes of the pattern seen so far; it may span two writes */
};

static ssize_t allocator_on_text(void *cookie, const char *text, size_t size)
{
    static const char pattern[] = "<heap nr=";
    struct allocator_count *count = cookie;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == pattern[count->matched])
            count->matched++;
        else
            count->matched = text[i] == pattern[0];
        if (count->matched == sizeof(pattern) - 1) {
            count->arenas++;
            count->matched = 0;
        }
    }
    return (ssize_t)size;
}

/* glibc tells the number of arenas only in the XML of malloc_info(). */
static bool allocator_count_arenas(uint64_t *ret_arenas)
{
    struct allocator_count count = {0};
    struct symbols_cookie_functions functions = {.write = allocator_on_text};
    if (!libc_.malloc_info || !libc_.fopencookie)
        return false;
    FILE *stream = libc_.fopencookie(&count, "w", functions);
    if (!stream)
        return false;
    bool known = libc_.malloc_info(0, stream) == 0;
    if (fclose(stream) != 0 || !known)
        return false;
    *ret_arenas = count.arenas;
    return true;
}

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
    if (stats->malloc_usec < ALLOCATOR_DEAR_USEC && allocator_count_arenas(&stats->malloc_arenas)) {
        stats->has |= CONTROL_HAS_MALLOC_ARENAS;
        stats->malloc_usec = clock_mono_usec() - begin;
    }
}

uint64_t allocator_trim(void)
{
    uint64_t begin = clock_mono_usec();
    libc_.malloc_trim(0);
    return clock_mono_usec() - begin;
}
