/* SPDX-License-Identifier: MIT */
/*
 * tcmalloc of gperftools. Its free memory is in the page heap, which is what a trim gives back, and
 * in small blocks held by size class (central, transfer and thread caches), which stays: a thread
 * empties its own cache only.
 */
#include "allocator_kind.h"

#include "symbols.h"

#include <dlfcn.h>
#include <stdlib.h>

/* The lock of the page heap is held while so much is given back: 1.5 ms at 0.17 ms a MiB. */
#define TCMALLOC_PIECE_BYTES ((size_t)8 << 20)

enum tcmalloc_ownership { TCMALLOC_UNKNOWN, TCMALLOC_OWNED, TCMALLOC_NOT_OWNED };

static struct {
    int (*get_ownership)(const void *);
    int (*get_property)(const char *, size_t *);
    void (*release_to_system)(size_t);
    void (*release_free_memory)(void);
    const char *(*version)(int *major, int *minor, const char **patch); /* optional */
} tcmalloc;

static const struct symbol tcmalloc_symbols[] = {
    {"MallocExtension_GetOwnership", offsetof(__typeof__(tcmalloc), get_ownership), true},
    {"MallocExtension_GetNumericProperty", offsetof(__typeof__(tcmalloc), get_property), true},
    {"MallocExtension_ReleaseToSystem", offsetof(__typeof__(tcmalloc), release_to_system), true},
    {"MallocExtension_ReleaseFreeMemory", offsetof(__typeof__(tcmalloc), release_free_memory),
     true},
    {"tc_version", offsetof(__typeof__(tcmalloc), version), false},
};

static void tcmalloc_version(char ret_version[static CONTROL_TEXT_SIZE])
{
    int major, minor;
    const char *patch = NULL;
    if (!tcmalloc.version)
        return;
    tcmalloc.version(&major, &minor, &patch);
    allocator_version(major, minor, patch ? patch : "", ret_version);
}

static enum allocator_claim tcmalloc_identify(char ret_version[static CONTROL_TEXT_SIZE])
{
    if (!symbols_load(RTLD_DEFAULT, tcmalloc_symbols,
                      sizeof(tcmalloc_symbols) / sizeof(tcmalloc_symbols[0]), &tcmalloc))
        return ALLOCATOR_ABSENT;
    void *volatile trial = malloc(ALLOCATOR_TRIAL_BYTES);
    int ownership = trial ? tcmalloc.get_ownership(trial) : TCMALLOC_UNKNOWN;
    free(trial);
    if (ownership == TCMALLOC_NOT_OWNED)
        return ALLOCATOR_ABSENT;
    /* Blocks of a tcmalloc whose static objects are not constructed yet are nobody's. */
    if (ownership != TCMALLOC_OWNED)
        return ALLOCATOR_UNDECIDED;
    tcmalloc_version(ret_version);
    return ALLOCATOR_SERVES;
}

static size_t tcmalloc_number(const char *name)
{
    size_t value = 0;
    tcmalloc.get_property(name, &value);
    return value;
}

static void tcmalloc_stats(struct control_stats *stats)
{
    size_t in_use, heap, free_pages, returned;
    /* Four times the locks, each for microseconds; between them the program goes on, so the numbers
     * may be of slightly different moments. */
    if (!tcmalloc.get_property("generic.current_allocated_bytes", &in_use) ||
        !tcmalloc.get_property("generic.heap_size", &heap) ||
        !tcmalloc.get_property("tcmalloc.pageheap_free_bytes", &free_pages) ||
        !tcmalloc.get_property("tcmalloc.pageheap_unmapped_bytes", &returned))
        return;
    size_t total = heap > returned ? heap - returned : 0;
    stats->malloc_mapped_bytes = heap;
    stats->malloc_total_bytes = total;
    stats->malloc_in_use_bytes = in_use;
    stats->malloc_free_bytes = total > in_use ? total - in_use : 0;
    stats->malloc_free_resident_bytes = free_pages;
    stats->has |= CONTROL_HAS_MALLOC_MAPPED | CONTROL_HAS_MALLOC_TOTAL | CONTROL_HAS_MALLOC_IN_USE |
                  CONTROL_HAS_MALLOC_FREE | CONTROL_HAS_MALLOC_FREE_RESIDENT;
}

static enum control_result tcmalloc_trim(void)
{
    size_t free_pages = tcmalloc_number("tcmalloc.pageheap_free_bytes");
    /* Told to give back whatever becomes free, it has nothing left to give. */
    if (free_pages == 0 && tcmalloc_number("tcmalloc.aggressive_memory_decommit"))
        return CONTROL_RESULT_UNSUPPORTED;
    for (size_t left = free_pages; left > TCMALLOC_PIECE_BYTES; left -= TCMALLOC_PIECE_BYTES) {
        tcmalloc.release_to_system(TCMALLOC_PIECE_BYTES);
        allocator_breathe();
    }
    tcmalloc.release_free_memory();
    return CONTROL_RESULT_OK;
}

const struct allocator_kind allocator_tcmalloc = {
    .name = "tcmalloc",
    .identify = tcmalloc_identify,
    .stats = tcmalloc_stats,
    .trim = tcmalloc_trim,
    .fork_blind = true,
};
