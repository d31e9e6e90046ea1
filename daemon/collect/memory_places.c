/* SPDX-License-Identifier: MIT */
#include "collect/memory_places.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <time.h>
#include <unistd.h>

/* Between two calls that take the lock of the process; see process_memory.h. */
#define PLACES_PAUSE_NSEC 500000L

/* A part under way. */
struct walk {
    struct memory_places *places;
    memory_places_visit visit;
    void *context;
    int pagemap;
    uint64_t page_bytes, memory_bytes; /* of the machine */
    uint64_t next;                     /* address of the next place */
    size_t count;                      /* of places in places->addresses that wait to be read */
    bool stopped;
};

static void walk_pause(struct memory_places *places)
{
    uint64_t begun = clock_mono_usec();
    struct timespec pause = {.tv_nsec = PLACES_PAUSE_NSEC};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    places->paused_usec += clock_mono_usec() - begun;
}

static enum outcome walk_flush(struct walk *walk)
{
    struct memory_places *places = walk->places;
    if (walk->count == 0)
        return OUTCOME_OK;
    enum outcome outcome = process_memory_read(places->pid, places->addresses, walk->count,
                                               MEMORY_PLACES_HEAD, places->heads, places->read);
    if (outcome != OUTCOME_OK)
        return outcome;
    for (size_t i = 0; i < walk->count; i++)
        if (places->read[i])
            walk->visit(walk->context, places->addresses[i],
                        places->heads + i * MEMORY_PLACES_HEAD);
        else
            places->missed_places++;
    walk->count = 0;
    walk_pause(places);
    return OUTCOME_OK;
}

static bool walk_is_full(const struct memory_places *places)
{
    return places->read_places * places->place_bytes >= places->most_bytes;
}

static bool walk_is_over(const struct memory_places *places)
{
    return walk_is_full(places) || clock_mono_usec() >= places->until_usec;
}

/* The places on the pages in places->words, up to `end`. */
static enum outcome walk_words(struct walk *walk, uint64_t first, size_t pages, uint64_t end)
{
    struct memory_places *places = walk->places;
    while (!walk->stopped && walk->next < end) {
        uint64_t page = walk->next / walk->page_bytes - first;
        if (page >= pages)
            break;
        enum proc_page kind = proc_pagemap_page(places->words[page]);
        uint64_t address = walk->next;
        walk->next += places->place_bytes;
        places->swapped_places += kind == PROC_PAGE_SWAPPED;
        if (kind != PROC_PAGE_PRESENT)
            continue;
        places->addresses[walk->count++] = address;
        places->read_places++;
        if (walk->count < PROCESS_MEMORY_PIECES && !walk_is_full(places))
            continue;
        enum outcome outcome = walk_flush(walk);
        if (outcome != OUTCOME_OK)
            return outcome;
        walk->stopped = walk_is_over(places);
    }
    walk->stopped = walk->stopped || walk_is_over(places);
    return OUTCOME_OK;
}

/* From walk->next on. */
static enum outcome walk_range(struct walk *walk, uint64_t end)
{
    struct memory_places *places = walk->places;
    while (walk->next < end && !walk->stopped) {
        uint64_t first = walk->next / walk->page_bytes;
        uint64_t pages = (end + walk->page_bytes - 1) / walk->page_bytes - first;
        size_t got = 0;
        enum outcome outcome = proc_pagemap_read(
            walk->pagemap, first, pages < PROC_PAGEMAP_PAGES ? pages : PROC_PAGEMAP_PAGES,
            places->words, &got);
        places->pagemap_denied = outcome == OUTCOME_DENIED;
        if (outcome == OUTCOME_OK && got == 0)
            outcome = OUTCOME_FAILED;
        if (outcome == OUTCOME_OK)
            outcome = walk_words(walk, first, got, end);
        if (outcome != OUTCOME_OK)
            return outcome;
    }
    return OUTCOME_OK;
}

/* A range larger than all memory is reserved, not used: sanitizers and some allocators have such
 * ranges of many TiB, whose pages alone would take minutes to look at. */
static bool walk_is_candidate(const struct walk *walk, const struct proc_mapping *mapping)
{
    return proc_maps_is_private_memory(mapping) &&
           mapping->end - mapping->start <= walk->memory_bytes;
}

static enum outcome walk_maps(struct walk *walk, uint64_t cursor)
{
    struct proc_mapping mapping;
    while (!walk->stopped && proc_maps_next(&walk->places->maps, &mapping)) {
        if (!walk_is_candidate(walk, &mapping) || mapping.end <= cursor)
            continue;
        uint64_t start = mapping.start > cursor ? mapping.start : cursor;
        uint64_t bytes = walk->places->place_bytes;
        walk->next = (start + bytes - 1) / bytes * bytes;
        enum outcome outcome = walk_range(walk, mapping.end);
        if (outcome != OUTCOME_OK)
            return outcome;
    }
    return walk_flush(walk);
}

static void places_begin(struct memory_places *places)
{
    places->read_places = places->missed_places = places->swapped_places = 0;
    places->paused_usec = 0;
    places->pagemap_denied = false;
}

enum outcome memory_places_walk(struct memory_places *places, memory_places_visit visit,
                                void *context)
{
    uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    _cleanup_(closep) int pagemap = -1;
    places_begin(places);
    enum outcome outcome = proc_pagemap_open(places->proc, places->pid, &pagemap);
    places->pagemap_denied = outcome == OUTCOME_DENIED;
    if (outcome == OUTCOME_OK)
        outcome = proc_maps_open(places->proc, places->pid, &places->maps);
    if (outcome != OUTCOME_OK)
        return outcome;
    struct walk walk = {.places = places,
                        .visit = visit,
                        .context = context,
                        .pagemap = pagemap,
                        .page_bytes = page_bytes,
                        .memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * page_bytes};
    outcome = walk_maps(&walk, places->cursor);
    proc_maps_close(&places->maps);
    if (outcome == OUTCOME_OK)
        places->cursor = walk.stopped ? walk.next : 0;
    return outcome;
}
