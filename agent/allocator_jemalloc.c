/* SPDX-License-Identifier: MIT */
/*
 * jemalloc 4 and 5, with or without the prefix je_. By itself it gives free pages back about ten
 * seconds after they were freed, but looks at the clock only when a thread allocates or when its
 * background thread is on: a program that has gone idle keeps them. With a background thread a trim
 * only comes sooner; with both decay times at 0 nothing is kept and a trim is refused. What the
 * caches of live threads hold (32 KiB a block at most) stays.
 */
#include "allocator_kind.h"

#include "base/text.h"
#include "symbols.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* MALLCTL_ARENAS_ALL of jemalloc 5; a number of arenas is below it. */
#define JEMALLOC_ALL_ARENAS 4096
/* The longest name here has four parts. */
#define JEMALLOC_MIB_MAX 4

typedef int jemalloc_control(const char *name, void *old, size_t *old_size, void *new,
                             size_t new_size);
typedef int jemalloc_control_by_mib(const size_t *mib, size_t mib_length, void *old,
                                    size_t *old_size, void *new, size_t new_size);

static struct {
    jemalloc_control *control;
    int (*name_to_mib)(const char *name, size_t *mib, size_t *mib_length);
    jemalloc_control_by_mib *control_by_mib;
} jemalloc;

static bool jemalloc_find(void)
{
    static const char *const names[][3] = {
        {"mallctl", "mallctlnametomib", "mallctlbymib"},
        {"je_mallctl", "je_mallctlnametomib", "je_mallctlbymib"},
    };
    bool found = false;
    for (size_t i = 0; !found && i < sizeof(names) / sizeof(names[0]); i++) {
        const struct symbol symbols[] = {
            {names[i][0], offsetof(__typeof__(jemalloc), control), true},
            {names[i][1], offsetof(__typeof__(jemalloc), name_to_mib), true},
            {names[i][2], offsetof(__typeof__(jemalloc), control_by_mib), true},
        };
        found =
            symbols_load(RTLD_DEFAULT, symbols, sizeof(symbols) / sizeof(symbols[0]), &jemalloc);
    }
    return found;
}

static bool jemalloc_size(const char *name, size_t *ret_value)
{
    size_t length = sizeof(*ret_value);
    return jemalloc.control(name, ret_value, &length, NULL, 0) == 0;
}

/* jemalloc 5 has a number for all arenas together; version 4 took the one behind the last. */
static size_t jemalloc_all_arenas(void)
{
    size_t mib[JEMALLOC_MIB_MAX], length = JEMALLOC_MIB_MAX;
    if (jemalloc.name_to_mib("arenas.dirty_decay_ms", mib, &length) == 0)
        return JEMALLOC_ALL_ARENAS;
    unsigned count = 0;
    size_t size = sizeof(count);
    jemalloc.control("arenas.narenas", &count, &size, NULL, 0);
    return count;
}

/* name with its 0 taken for that arena; index: where in the name the 0 is. */
static bool jemalloc_of_arena(const char *name, size_t index, size_t arena, void *ret_value,
                              size_t size)
{
    size_t mib[JEMALLOC_MIB_MAX], length = JEMALLOC_MIB_MAX;
    if (jemalloc.name_to_mib(name, mib, &length) != 0)
        return false;
    mib[index] = arena;
    return jemalloc.control_by_mib(mib, length, ret_value, ret_value ? &size : NULL, NULL, 0) == 0;
}

static void jemalloc_version(char ret_version[static CONTROL_TEXT_SIZE])
{
    const char *version = NULL; /* "5.3.0-0-g54eaed1d8b56b1aa528be3bdd1877e59c56fa90c" */
    size_t length = sizeof(version);
    if (jemalloc.control("version", &version, &length, NULL, 0) == 0 && version)
        text_copy_span(ret_version, CONTROL_TEXT_SIZE, version, strcspn(version, "-"));
}

static enum allocator_claim jemalloc_identify(char ret_version[static CONTROL_TEXT_SIZE])
{
    if (!jemalloc_find())
        return ALLOCATOR_ABSENT;
    const uint64_t *allocated = NULL; /* the calling thread's counter */
    size_t length = sizeof(allocated);
    if (jemalloc.control("thread.allocatedp", &allocated, &length, NULL, 0) != 0 || !allocated)
        return ALLOCATOR_ABSENT;
    uint64_t before = *(const volatile uint64_t *)allocated;
    void *volatile trial = malloc(ALLOCATOR_TRIAL_BYTES);
    bool serves = trial && *(const volatile uint64_t *)allocated - before >= ALLOCATOR_TRIAL_BYTES;
    free(trial);
    if (!serves)
        return ALLOCATOR_ABSENT;
    jemalloc_version(ret_version);
    return ALLOCATOR_SERVES;
}

/* ---- numbers ---- */

/* Dirty pages, and muzzy ones, which the kernel may take but has not. */
static bool jemalloc_free_pages(size_t *ret_bytes)
{
    size_t page, dirty = 0, muzzy = 0, arenas = jemalloc_all_arenas();
    if (!jemalloc_size("arenas.page", &page) ||
        !jemalloc_of_arena("stats.arenas.0.pdirty", 2, arenas, &dirty, sizeof(dirty)))
        return false;
    jemalloc_of_arena("stats.arenas.0.pmuzzy", 2, arenas, &muzzy, sizeof(muzzy)); /* from 5.0 */
    *ret_bytes = (dirty + muzzy) * page;
    return true;
}

/* Arenas are numbered in advance and made when a thread first needs one. */
static uint64_t jemalloc_arenas(void)
{
    unsigned count = 0;
    size_t size = sizeof(count);
    uint64_t made = 0;
    jemalloc.control("arenas.narenas", &count, &size, NULL, 0);
    for (size_t i = 0; i < count && i < JEMALLOC_ALL_ARENAS; i++) {
        bool initialized = false;
        jemalloc_of_arena("arena.0.initialized", 1, i, &initialized, sizeof(initialized));
        made += initialized;
    }
    return made;
}

/* Its numbers are copies, made for all arenas at once: 190 to 430 us. */
static void jemalloc_refresh(void)
{
    uint64_t epoch = 1;
    jemalloc.control("epoch", NULL, NULL, &epoch, sizeof(epoch));
}

static void jemalloc_stats(struct control_stats *stats)
{
    size_t allocated, resident, mapped, retained = 0, metadata = 0, free_pages;
    jemalloc_refresh();
    stats->malloc_arenas = jemalloc_arenas();
    stats->has |= stats->malloc_arenas ? CONTROL_HAS_MALLOC_ARENAS : 0;
    if (!jemalloc_size("stats.allocated", &allocated) ||
        !jemalloc_size("stats.resident", &resident) || !jemalloc_size("stats.mapped", &mapped))
        return;
    jemalloc_size("stats.retained", &retained);
    jemalloc_size("stats.metadata", &metadata);
    size_t taken = allocated + metadata;
    stats->malloc_total_bytes = resident;
    stats->malloc_mapped_bytes = mapped + retained;
    stats->malloc_in_use_bytes = allocated;
    stats->malloc_free_bytes = resident > taken ? resident - taken : 0;
    stats->has |= CONTROL_HAS_MALLOC_MAPPED | CONTROL_HAS_MALLOC_TOTAL | CONTROL_HAS_MALLOC_IN_USE |
                  CONTROL_HAS_MALLOC_FREE;
    if (!jemalloc_free_pages(&free_pages))
        return;
    stats->malloc_free_resident_bytes = free_pages;
    stats->has |= CONTROL_HAS_MALLOC_FREE_RESIDENT;
}

/* ---- trim ---- */

/* Nothing is kept that could be given back. */
static bool jemalloc_keeps_nothing(void)
{
    ssize_t dirty = -1, muzzy = -1;
    size_t length = sizeof(dirty), free_pages;
    if (jemalloc.control("arenas.dirty_decay_ms", &dirty, &length, NULL, 0) != 0 ||
        jemalloc.control("arenas.muzzy_decay_ms", &muzzy, &length, NULL, 0) != 0)
        return false;
    if (dirty != 0 || muzzy != 0)
        return false;
    jemalloc_refresh();
    return jemalloc_free_pages(&free_pages) && free_pages == 0;
}

static enum control_result jemalloc_trim(void)
{
    if (jemalloc_keeps_nothing())
        return CONTROL_RESULT_UNSUPPORTED;
    return jemalloc_of_arena("arena.0.purge", 1, jemalloc_all_arenas(), NULL, 0)
               ? CONTROL_RESULT_OK
               : CONTROL_RESULT_FAILED;
}

const struct allocator_kind allocator_jemalloc = {
    .name = "jemalloc",
    .identify = jemalloc_identify,
    .stats = jemalloc_stats,
    .trim = jemalloc_trim,
};
