/* SPDX-License-Identifier: MIT */
#include "collect/proc_pages.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <string.h>
#include <time.h>

/* Between two reads of 64 KiB: measured, a process that maps and unmaps is held up for 0.4 ms. */
#define PAGES_PAUSE_NSEC 1000000L
/* Ranges are smaller than a read: a pause is due after so many pages of any. */
#define PAGES_AT_ONCE PROC_PAGEMAP_PAGES

struct walk {
    struct proc_pages *pages;
    int pagemap;
    uint64_t page_bytes, memory_bytes; /* of the machine */
    size_t since_pause;                /* pages */
    bool tells_huge;
    uint64_t stopped; /* where; 0 = not yet */
};

static bool name_starts_with(const struct proc_mapping *range, const char *prefix)
{
    size_t length = strlen(prefix);
    return range->name_length >= length && memcmp(range->name, prefix, length) == 0;
}

/* Whether its pages are in RSS. */
static bool range_counts(const struct proc_mapping *range)
{
    static const char *const anonymous[] = {"[heap]", "[stack", "[anon"};
    if (range->start > INT64_MAX || name_starts_with(range, "/dev/hugepages/") ||
        name_starts_with(range, "/anon_hugepage"))
        return false;
    if (name_starts_with(range, "/dev/"))
        return name_starts_with(range, "/dev/shm/") || name_starts_with(range, "/dev/zero");
    if (!name_starts_with(range, "["))
        return true;
    for (size_t i = 0; i < sizeof(anonymous) / sizeof(anonymous[0]); i++)
        if (name_starts_with(range, anonymous[i]))
            return true;
    return false;
}

/* What is reserved without rights has, if it is so large, never been used. */
static bool range_is_reserved(const struct proc_mapping *range)
{
    return !range->readable && !range->writable && !range->executable;
}

static void walk_pause(struct walk *walk, size_t pages)
{
    walk->since_pause += pages;
    if (walk->since_pause < PAGES_AT_ONCE)
        return;
    struct timespec pause = {.tv_nsec = PAGES_PAUSE_NSEC};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    walk->since_pause = 0;
}

static void walk_count(const struct walk *walk, size_t count, struct mapping *mapping)
{
    int64_t present = 0, swapped = 0, exclusive = 0, anonymous = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t word = walk->pages->words[i];
        enum proc_page kind = proc_pagemap_page(word);
        present += kind == PROC_PAGE_PRESENT;
        swapped += kind == PROC_PAGE_SWAPPED;
        exclusive += proc_pagemap_is_exclusive(word);
        anonymous += proc_pagemap_is_anonymous(word);
    }
    int64_t bytes = (int64_t)walk->page_bytes;
    mapping->rss += present * bytes;
    mapping->swap += swapped * bytes;
    mapping->private_bytes += exclusive * bytes;
    mapping->anonymous += anonymous * bytes;
}

/* From `next` to the end of the mapping, or as far as time allows. */
static enum outcome walk_range(struct walk *walk, uint64_t next, struct mapping *mapping)
{
    while (next < mapping->end && walk->stopped == 0) {
        uint64_t wanted = (mapping->end - next) / walk->page_bytes;
        size_t got = 0;
        enum outcome outcome = proc_pagemap_read(
            walk->pagemap, next / walk->page_bytes,
            wanted < PROC_PAGEMAP_PAGES ? wanted : PROC_PAGEMAP_PAGES, walk->pages->words, &got);
        if (outcome == OUTCOME_DENIED)
            walk->pages->pagemap_denied = true;
        if (outcome != OUTCOME_OK)
            return outcome;
        if (got == 0)
            return OUTCOME_FAILED;
        walk_count(walk, got, mapping);
        uint64_t end = next + got * walk->page_bytes;
        int64_t huge = walk->tells_huge ? proc_pagemap_huge(walk->pagemap, next, end) : -1;
        if (mapping->huge >= 0)
            mapping->huge = huge >= 0 ? mapping->huge + huge : -1;
        next = end;
        walk_pause(walk, got);
        if (clock_mono_usec() >= walk->pages->until_usec)
            walk->stopped = next;
    }
    return OUTCOME_OK;
}

static enum outcome walk_mapping(struct walk *walk, const struct proc_mapping *range,
                                 struct mapping *mapping)
{
    uint64_t cursor = walk->pages->cursor;
    if (walk->stopped != 0 || range->end <= cursor || !range_counts(range))
        return OUTCOME_OK;
    if (range->end - range->start > walk->memory_bytes)
        return range_is_reserved(range) ? OUTCOME_OK : OUTCOME_ABSENT;
    return walk_range(walk, range->start > cursor ? range->start : cursor, mapping);
}

static enum outcome walk_maps(struct walk *walk, proc_smaps_visit visit, void *context)
{
    struct proc_mapping range;
    bool any = false;
    while (proc_maps_next(&walk->pages->maps, &range)) {
        struct mapping mapping = {.start = range.start,
                                  .end = range.end,
                                  .readable = range.readable,
                                  .writable = range.writable,
                                  .executable = range.executable,
                                  .shared = range.shared,
                                  .inode = range.inode,
                                  .name = range.name,
                                  .name_length = range.name_length,
                                  .pss = -1,
                                  .huge = walk->tells_huge ? 0 : -1,
                                  .swap_pss = -1};
        enum outcome outcome = walk_mapping(walk, &range, &mapping);
        if (outcome != OUTCOME_OK)
            return outcome;
        /* Two questions to the kernel: between them small pages may have become a huge one. */
        if (mapping.huge > mapping.rss)
            mapping.huge = mapping.rss;
        visit(context, &mapping);
        any = true;
    }
    return any ? OUTCOME_OK : OUTCOME_GONE;
}

enum outcome proc_pages_walk(int proc, pid_t pid, struct proc_pages *pages, proc_smaps_visit visit,
                             void *context)
{
    uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    _cleanup_(closep) int pagemap = -1;
    pages->pagemap_denied = false;
    enum outcome outcome = proc_maps_open(proc, pid, &pages->maps);
    if (outcome != OUTCOME_OK)
        return outcome;
    outcome = proc_pagemap_open(proc, pid, &pagemap);
    pages->pagemap_denied = outcome == OUTCOME_DENIED;
    struct walk walk = {.pages = pages,
                        .pagemap = pagemap,
                        .page_bytes = page_bytes,
                        .memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * page_bytes};
    walk.tells_huge = outcome == OUTCOME_OK && proc_pagemap_huge(pagemap, 0, 0) >= 0;
    if (outcome == OUTCOME_OK)
        outcome = walk_maps(&walk, visit, context);
    proc_maps_close(&pages->maps);
    if (outcome == OUTCOME_OK)
        pages->cursor = walk.stopped;
    return outcome;
}
