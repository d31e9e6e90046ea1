/* SPDX-License-Identifier: MIT */
#include "roots.h"

#include <string.h>

/* Shorter ones are told only when they grow: every library has some. */
#define ROOTS_LENGTH_MIN 100
/* Rises in a row that make it growth: three lengths, each above the one before. */
#define ROOTS_RISES_MIN 2
/* A second look in the same minute does not end a growth, nor does a walk that was cut short. */
#define ROOTS_RESTS_MAX  5
#define ROOTS_MISSED_MAX 3
/* Bytes that an item of a container weighs beside a byte of text: its slot and a small object. */
#define ROOTS_ITEM_WEIGHT 64

/* What is remembered of a container from one census to the next. */
struct memory {
    uint64_t path; /* hash of path and type; 0 = free */
    uint64_t census;
    uint64_t length, base; /* now, and where it began to rise */
    uint64_t rises, rests; /* in a row */
};

static struct {
    uint64_t census;
    struct memory entries[ROOTS_CANDIDATES];
} memories;

/* ---- candidates ---- */

static bool is_container(enum pyobject_kind kind)
{
    return kind == PYOBJECT_TEXT || kind == PYOBJECT_DICT || kind == PYOBJECT_LIST ||
           kind == PYOBJECT_TUPLE || kind == PYOBJECT_SET || kind == PYOBJECT_DEQUE ||
           kind == PYOBJECT_CACHE;
}

static void find_lightest(struct roots *roots)
{
    roots->lightest = 0;
    for (size_t i = 1; i < roots->count; i++)
        if (roots->candidates[i].weight < roots->candidates[roots->lightest].weight)
            roots->lightest = i;
}

static void on_found(void *context, uint32_t index)
{
    struct roots *roots = context;
    struct walk_node *node = &roots->walk->nodes[index];
    enum pyobject_kind kind = (enum pyobject_kind)node->kind;
    uint64_t length = is_container(kind) ? pyobject_length(node->object, kind) : 0;
    uint64_t weight = kind == PYOBJECT_TEXT ? length : length * ROOTS_ITEM_WEIGHT;
    size_t place = roots->count;
    if (length == 0)
        return;
    if (place == ROOTS_CANDIDATES) {
        place = roots->lightest;
        if (weight <= roots->candidates[place].weight)
            return;
        roots->walk->nodes[roots->candidates[place].node].mark = 0;
    } else {
        roots->count++;
    }
    roots->candidates[place] = (struct roots_candidate){.node = index,
                                                        .length = length,
                                                        .weight = weight,
                                                        .holder_count = 1,
                                                        .holders = {node->reference}};
    node->mark = (uint8_t)(place + 1);
    if (roots->count == ROOTS_CANDIDATES)
        find_lightest(roots);
}

static void on_again(void *context, uint32_t index, const struct walk_reference *reference)
{
    struct roots *roots = context;
    struct roots_candidate *candidate = &roots->candidates[roots->walk->nodes[index].mark - 1];
    if (candidate->holder_count < CONTROL_HOLDERS_MAX)
        candidate->holders[candidate->holder_count++] = *reference;
}

struct walk_handler roots_handler(struct roots *roots, struct walk *walk)
{
    roots->walk = walk;
    roots->count = 0;
    return (struct walk_handler){.context = roots, .on_found = on_found, .on_again = on_again};
}

/* ---- growth ---- */

static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001B3); /* FNV-1a */
    return hash;
}

/* Its entry, or one that it may have: the oldest. */
static struct memory *memory_of(uint64_t path)
{
    struct memory *oldest = &memories.entries[0];
    for (size_t i = 0; i < ROOTS_CANDIDATES; i++) {
        struct memory *memory = &memories.entries[i];
        if (memory->path == path)
            return memory;
        if (memory->census < oldest->census)
            oldest = memory;
    }
    return oldest;
}

static void remember(struct roots_candidate *candidate, uint64_t path)
{
    struct memory *memory = memory_of(path);
    if (memory->path == path && memory->census == memories.census)
        return; /* several have this path: which of them is which cannot be told */
    bool known = memory->path == path && memories.census - memory->census <= ROOTS_MISSED_MAX;
    if (!known || candidate->length < memory->length ||
        (candidate->length == memory->length && memory->rests >= ROOTS_RESTS_MAX))
        *memory = (struct memory){.path = path, .base = candidate->length};
    else if (candidate->length > memory->length)
        *memory = (struct memory){.path = path, .base = memory->base, .rises = memory->rises + 1};
    else
        memory->rests++;
    memory->census = memories.census;
    memory->length = candidate->length;
    candidate->rises = memory->rises;
    candidate->growth = candidate->length - memory->base;
}

static void remember_all(struct roots *roots)
{
    memories.census++;
    for (size_t i = 0; i < roots->count; i++) {
        char path[CONTROL_PATH_SIZE];
        const struct walk_node *node = &roots->walk->nodes[roots->candidates[i].node];
        walk_path(roots->walk, &node->reference, path, sizeof(path));
        uint64_t hash = hash_text(UINT64_C(0xCBF29CE484222325), path);
        remember(&roots->candidates[i], (hash ^ node->kind) | 1);
    }
}

/* ---- findings ---- */

static bool is_growing(const struct roots_candidate *candidate)
{
    return candidate->rises >= ROOTS_RISES_MIN;
}

/* The heaviest that is left; taken out by weight 0. */
static struct roots_candidate *next_candidate(struct roots *roots)
{
    struct roots_candidate *best = NULL;
    for (size_t i = 0; i < roots->count; i++) {
        struct roots_candidate *candidate = &roots->candidates[i];
        bool shown = candidate->length >= ROOTS_LENGTH_MIN || is_growing(candidate);
        if (candidate->weight == 0 || !shown)
            continue;
        if (!best || is_growing(candidate) > is_growing(best) ||
            (is_growing(candidate) == is_growing(best) && candidate->weight > best->weight))
            best = candidate;
    }
    return best;
}

static void describe(const struct roots *roots, const struct roots_candidate *candidate,
                     struct control_finding *finding)
{
    const struct walk *walk = roots->walk;
    const struct walk_node *node = &walk->nodes[candidate->node];
    *finding = (struct control_finding){.kind = CONTROL_FINDING_CONTAINER,
                                        .has = CONTROL_FINDING_HAS_COUNT,
                                        .count = candidate->length};
    walk_path(walk, &node->reference, finding->path, sizeof(finding->path));
    pyobject_type_name(pyobject_type_of(node->object), finding->type, sizeof(finding->type));
    if (pyobject_references(node->object, &finding->references))
        finding->has |= CONTROL_FINDING_HAS_REFERENCES;
    if (is_growing(candidate)) {
        finding->has |= CONTROL_FINDING_HAS_GROWTH;
        finding->rises = candidate->rises;
        finding->growth = candidate->growth;
    }
    for (uint32_t i = 0; i < candidate->holder_count; i++)
        walk_path(walk, &candidate->holders[i], finding->holders.names[i], CONTROL_PATH_SIZE);
    finding->holders.count = candidate->holder_count;
}

size_t roots_finish(struct roots *roots, struct control_finding *findings, size_t limit)
{
    size_t count = 0;
    struct roots_candidate *candidate;
    remember_all(roots);
    while (count < limit && (candidate = next_candidate(roots))) {
        describe(roots, candidate, &findings[count++]);
        candidate->weight = 0;
    }
    return count;
}
