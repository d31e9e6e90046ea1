/* SPDX-License-Identifier: MIT */
/*
 * mimalloc 2. It counts what it has committed and no more: how much of that is in use is known to
 * each thread for its own heap only. mi_collect() gives back what lies in the caches of the whole
 * process and what ended threads left behind, and of the heaps of live threads only the caller's.
 * A page (64 KiB for small blocks) with one live block stays.
 */
#include "allocator_kind.h"

#include "symbols.h"

#include <dlfcn.h>
#include <stdlib.h>

static struct {
    int (*version)(void); /* 209 is 2.0.9 */
    bool (*is_in_heap_region)(const void *);
    void (*thread_init)(void);
    void (*collect)(bool force);
    void (*process_info)(size_t *elapsed_msec, size_t *user_msec, size_t *system_msec,
                         size_t *current_rss, size_t *peak_rss, size_t *current_commit,
                         size_t *peak_commit, size_t *page_faults);
} mimalloc;

static const struct symbol mimalloc_symbols[] = {
    {"mi_version", offsetof(__typeof__(mimalloc), version), true},
    {"mi_is_in_heap_region", offsetof(__typeof__(mimalloc), is_in_heap_region), true},
    {"mi_thread_init", offsetof(__typeof__(mimalloc), thread_init), true},
    {"mi_collect", offsetof(__typeof__(mimalloc), collect), true},
    {"mi_process_info", offsetof(__typeof__(mimalloc), process_info), true},
};

static enum allocator_claim mimalloc_identify(char ret_version[static CONTROL_TEXT_SIZE])
{
    if (!symbols_load(RTLD_DEFAULT, mimalloc_symbols,
                      sizeof(mimalloc_symbols) / sizeof(mimalloc_symbols[0]), &mimalloc))
        return ALLOCATOR_ABSENT;
    void *volatile trial = malloc(ALLOCATOR_TRIAL_BYTES);
    bool serves = trial && mimalloc.is_in_heap_region(trial);
    free(trial);
    if (!serves)
        return ALLOCATOR_ABSENT;
    int version = mimalloc.version();
    char patch[] = {'.', (char)('0' + version % 10), '\0'};
    if (version >= 100 && version < 1000) /* how a longer one would be read is not known */
        allocator_version(version / 100, version / 10 % 10, patch, ret_version);
    return ALLOCATOR_SERVES;
}

static void mimalloc_stats(struct control_stats *stats)
{
    size_t unused[7], committed = 0;
    mimalloc.process_info(&unused[0], &unused[1], &unused[2], &unused[3], &unused[4], &committed,
                          &unused[5], &unused[6]);
    stats->malloc_total_bytes = committed;
    stats->has |= CONTROL_HAS_MALLOC_TOTAL;
}

static enum control_result mimalloc_trim(void)
{
    mimalloc.thread_init(); /* for a thread that has no heap yet, mi_collect() does nothing */
    mimalloc.collect(true);
    return CONTROL_RESULT_OK;
}

const struct allocator_kind allocator_mimalloc = {
    .name = "mimalloc",
    .identify = mimalloc_identify,
    .stats = mimalloc_stats,
    .trim = mimalloc_trim,
    .per_thread = true,
    .fork_blind = true,
};
