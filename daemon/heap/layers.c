/* SPDX-License-Identifier: MIT */
#include "heap/layers.h"

#include <string.h>

/* glibc's HEAP_MAX_SIZE where an address has 64 bits. */
#define ARENA_BYTES (UINT64_C(64) << 20)
/* Kernels join neighbours with the same rights: a few arenas may stand as one mapping. */
#define ARENA_JOINED_MAX 4
/*
 * mmap() without a wish never gives addresses below this with 47 bits and more. Go and Java wish
 * for lower ones, and what Go reserves there looks just like an arena.
 */
#define ARENA_LEAST_ADDRESS (UINT64_C(1) << 40)

/* A page by default, four for Java; kernels have pages of up to 64 KiB. */
#define GUARD_MAX_BYTES (UINT64_C(256) << 10)
/* RLIMIT_STACK is 8 MiB by default; larger than this is not the stack of a thread. */
#define STACK_MAX_BYTES (UINT64_C(256) << 20)

static bool name_starts_with(const struct mapping *mapping, const char *prefix)
{
    size_t length = strlen(prefix);
    return mapping->name_length >= length && memcmp(mapping->name, prefix, length) == 0;
}

static bool name_is(const struct mapping *mapping, const char *name)
{
    return mapping->name_length == strlen(name) && name_starts_with(mapping, name);
}

/* Kinds that a name tells, by its beginning; the first that fits. */
static const struct {
    const char *prefix;
    enum mapping_kind kind;
} named_kinds[] = {
    {"[heap]", MAPPING_KIND_HEAP},
    {"[stack", MAPPING_KIND_STACK}, /* "[stack:TID]" from Linux 3.4 to 4.4 */
    {"[anon:stack_and_tls:", MAPPING_KIND_STACK},
    {"[anon: glibc: pthread stack", MAPPING_KIND_STACK},
    {"[anon: glibc: malloc arena", MAPPING_KIND_ARENA},
    {"[anon_shmem:", MAPPING_KIND_SHMEM},
    {"/dev/shm/", MAPPING_KIND_SHMEM},
    {"/memfd:", MAPPING_KIND_SHMEM},
    {"/SYSV", MAPPING_KIND_SHMEM},
    {"/dev/zero (deleted)", MAPPING_KIND_SHMEM},
    {"/dev/hugepages/", MAPPING_KIND_SHMEM},
    {"/anon_hugepage", MAPPING_KIND_SHMEM},
    {"/[aio]", MAPPING_KIND_KERNEL},
    {"anon_inode:", MAPPING_KIND_KERNEL},
    {"/", MAPPING_KIND_FILE},
};

/* Anonymous memory has no name, or one that the process gave it; private "/dev/zero" is the way to
 * it that System V had. */
static bool is_anonymous(const struct mapping *mapping)
{
    if (mapping->inode != 0)
        return !mapping->shared && name_is(mapping, "/dev/zero");
    return mapping->name_length == 0 || name_starts_with(mapping, "[anon:");
}

static enum mapping_kind kind_of_anonymous(const struct mapping *mapping)
{
    if (mapping->shared)
        return MAPPING_KIND_SHMEM;
    return mapping->end - mapping->start >= (uint64_t)LAYERS_LARGE_MIN_BYTES ? MAPPING_KIND_LARGE
                                                                             : MAPPING_KIND_ANON;
}

static enum mapping_kind kind_by_name(const struct mapping *mapping)
{
    bool anonymous = is_anonymous(mapping);
    if (anonymous && mapping->inode != 0)
        return kind_of_anonymous(mapping);
    for (size_t i = 0; i < sizeof(named_kinds) / sizeof(named_kinds[0]); i++)
        if (name_starts_with(mapping, named_kinds[i].prefix))
            return named_kinds[i].kind;
    if (anonymous)
        return kind_of_anonymous(mapping);
    return mapping->inode != 0 ? MAPPING_KIND_FILE : MAPPING_KIND_KERNEL;
}

/* --- sums --- */

static void add(int64_t *sum, int64_t bytes)
{
    if (__builtin_add_overflow(*sum, bytes, sum))
        *sum = INT64_MAX; /* no kernel's numbers */
}

/* One that is not told leaves the sum untold. */
static void add_told(int64_t *sum, int64_t bytes)
{
    if (*sum >= 0 && bytes >= 0)
        add(sum, bytes);
    else
        *sum = -1;
}

/* Largest first; the smallest falls out when there are too many. */
static void layers_note_large(struct layers *layers, const struct mapping *mapping)
{
    uint32_t at = layers->large_count;
    while (at > 0 && layers->large[at - 1].rss_bytes < mapping->rss)
        at--;
    if (at == LAYERS_LARGE_LIMIT || mapping->rss == 0)
        return;
    if (layers->large_count < LAYERS_LARGE_LIMIT)
        layers->large_count++;
    memmove(&layers->large[at + 1], &layers->large[at],
            (layers->large_count - 1 - at) * sizeof(layers->large[0]));
    layers->large[at] =
        (struct layers_large){.start = mapping->start,
                              .size_bytes = (int64_t)(mapping->end - mapping->start),
                              .rss_bytes = mapping->rss};
}

static void layers_count(struct layers *layers, const struct mapping *mapping,
                         enum mapping_kind kind)
{
    add(&layers->rss[kind], mapping->rss);
    add(&layers->swap[kind], mapping->swap);
    add(&layers->rss_bytes, mapping->rss);
    add_told(&layers->pss_bytes, mapping->pss);
    add(&layers->uss_bytes, mapping->private_bytes);
    add(&layers->swap_bytes, mapping->swap);
    add_told(&layers->swap_pss_bytes, mapping->swap_pss);
    add_told(&layers->huge_bytes, mapping->huge);
    add_told(&layers->anonymous_bytes, mapping->anonymous);
    layers->mappings++;
    layers->stacks += kind == MAPPING_KIND_STACK;
    if (kind == MAPPING_KIND_LARGE)
        layers_note_large(layers, mapping);
}

/* --- neighbours --- */

/* How many arenas end where `rest` does, of which `used` is the part in use; 0: it is none. */
static uint32_t arenas_of(const struct mapping *used, const struct mapping *rest)
{
    uint64_t end = rest->end / ARENA_BYTES * ARENA_BYTES;
    /* The guard of a stack above may have been joined to the rest. */
    if (rest->start != used->end || end <= rest->start || rest->end - end > GUARD_MAX_BYTES)
        return 0;
    uint64_t base = end - ARENA_BYTES;
    if (base < ARENA_LEAST_ADDRESS || used->end <= base)
        return 0;
    if (used->start % ARENA_BYTES == 0) {
        uint64_t joined = (end - used->start) / ARENA_BYTES;
        return joined <= ARENA_JOINED_MAX ? (uint32_t)joined : 0;
    }
    /* Memory that lay right below it was joined to it: whose is the most of it? */
    return used->start < base && used->end - base > base - used->start ? 1 : 0;
}

/* One in use to the last byte has no rest. */
static bool is_full_arena(const struct mapping *mapping)
{
    return mapping->start % ARENA_BYTES == 0 && mapping->start >= ARENA_LEAST_ADDRESS &&
           mapping->end - mapping->start == ARENA_BYTES;
}

static bool is_reserved(const struct mapping *mapping)
{
    return !mapping->readable && !mapping->writable && !mapping->executable;
}

static bool is_small(const struct mapping *mapping)
{
    return mapping->end - mapping->start <= GUARD_MAX_BYTES;
}

/* Memory of a heap that was reserved as a whole goes on behind it as reserved: no stack does. */
static bool is_stack(const struct layers_walk *walk, const struct mapping *next, bool reserved)
{
    bool goes_on = reserved && next->start == walk->last.end && !is_small(next);
    return walk->behind_guard && !goes_on && walk->last.end - walk->last.start <= STACK_MAX_BYTES;
}

/* What the one that waits is, now that the next one is known. True: `next` is the rest of it. */
static bool layers_settle(struct layers_walk *walk, const struct mapping *next, bool reserved)
{
    if (!walk->waits)
        return false;
    walk->waits = false;
    uint32_t arenas = reserved ? arenas_of(&walk->last, next) : 0;
    bool has_rest = arenas > 0;
    if (!has_rest && is_full_arena(&walk->last))
        arenas = 1;
    enum mapping_kind kind = kind_of_anonymous(&walk->last);
    if (arenas > 0)
        kind = MAPPING_KIND_ARENA;
    else if (is_stack(walk, next, reserved))
        kind = MAPPING_KIND_STACK;
    walk->layers.arenas += arenas;
    layers_count(&walk->layers, &walk->last, kind);
    return has_rest;
}

/* No rights: a guard, the rest of an arena, or reserved for something else. */
static void layers_add_reserved(struct layers_walk *walk, const struct mapping *mapping)
{
    bool rest = layers_settle(walk, mapping, true);
    bool guard = rest ? mapping->end % ARENA_BYTES > 0 : is_small(mapping);
    if (guard)
        walk->guard_end = mapping->end;
    layers_count(&walk->layers, mapping, rest ? MAPPING_KIND_ARENA : kind_of_anonymous(mapping));
}

/* Private, without name. */
static void layers_add_plain(struct layers_walk *walk, const struct mapping *mapping)
{
    if (is_reserved(mapping)) {
        layers_add_reserved(walk, mapping);
        return;
    }
    layers_settle(walk, mapping, false);
    if (!mapping->readable || !mapping->writable) {
        layers_count(&walk->layers, mapping, kind_of_anonymous(mapping));
        return;
    }
    walk->waits = true;
    walk->behind_guard = walk->guard_end == mapping->start;
    walk->last = *mapping;
    walk->last.name = NULL;
    walk->last.name_length = 0;
}

void layers_begin(struct layers_walk *walk)
{
    *walk = (struct layers_walk){0};
}

void layers_add(struct layers_walk *walk, const struct mapping *mapping)
{
    if (mapping->inode == 0 && mapping->name_length == 0 && !mapping->shared) {
        layers_add_plain(walk, mapping);
        return;
    }
    layers_settle(walk, mapping, false);
    enum mapping_kind kind = kind_by_name(mapping);
    /* Named arenas begin where one begins; what follows of it has the same name. */
    if (kind == MAPPING_KIND_ARENA && mapping->start % ARENA_BYTES == 0)
        walk->layers.arenas++;
    layers_count(&walk->layers, mapping, kind);
}

void layers_end(struct layers_walk *walk, uint64_t mono_usec, struct layers *ret_layers)
{
    static const struct mapping nothing;
    layers_settle(walk, &nothing, false);
    *ret_layers = walk->layers;
    ret_layers->mono_usec = mono_usec;
}
