/* SPDX-License-Identifier: MIT */
#include "walk.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/text.h"

#include <limits.h>
#include <string.h>

/* 32 bytes a node: 1 MiB, touched only as far as it is used. Enough for every module, class and
 * function of a large service; what is behind is found by time anyway. */
#define WALK_NODES   32768
#define WALK_VISITED 131072 /* a power of two; a quarter full at most */
#define WALK_TYPES   2048   /* a power of two */
/* Half of the nodes are left for what the modules hold. */
#define WALK_MODULES 16384
#define WALK_NAMES   32768 /* a power of two; half full at most */
/* Names that meet where they belong: by chance a handful. */
#define WALK_NAME_TRIES 32
#define WALK_DEPTH_MAX  8
/* Half of what is seen in the time given. */
#define WALK_OWN_OBJECTS 15000
/* Longer containers are data: counted, not looked into. */
#define WALK_ITEMS_MAX 2000
/* A shorter text is no finding and needs no node. */
#define WALK_TEXT_MIN 65536
/* Objects between two looks at the clock: some 10 us. */
#define WALK_CLOCK_EVERY 256
/* And nodes: one whose places are nearly all free shows few objects, and takes some 50 us. */
#define WALK_CLOCK_NODES 16
/* Parts of the time, in sixths, by the end of which the modules are gathered and put in order. */
#define WALK_GATHER_SIXTHS 3
#define WALK_ORDER_SIXTHS  4

struct walk_type {
    struct pyobject_type info; /* info.type NULL = free */
    uint8_t watch;
};

size_t walk_memory_bytes(void)
{
    return WALK_NODES * sizeof(struct walk_node) + WALK_VISITED * sizeof(uint32_t) +
           WALK_TYPES * sizeof(struct walk_type) + WALK_NAMES * sizeof(struct walk_name);
}

/* Objects lie on multiples of 16 bytes; the multiplier spreads neighbours (Knuth's golden ratio).
 */
static uint32_t hash_of(const void *address)
{
    return (uint32_t)((((uintptr_t)address >> 4) * UINT64_C(0x9E3779B97F4A7C15)) >> 32);
}

/* ---- what was seen ---- */

/* Where its node's number is, or belongs. */
static uint32_t *visited_place(const struct walk *walk, const void *object)
{
    uint32_t at = hash_of(object) & (WALK_VISITED - 1);
    while (walk->visited[at] && walk->nodes[walk->visited[at] - 1].object != object)
        at = (at + 1) & (WALK_VISITED - 1);
    return &walk->visited[at];
}

static uint8_t watch_of(const struct walk *walk, const void *type)
{
    for (uint32_t i = 0; i < walk->watch_count; i++)
        if (pyobject_is_subtype(type, walk->watches[i]))
            return (uint8_t)(i + 1);
    return 0;
}

/* How objects of this type are read; the oldest of two types that meet has to go. */
static const struct walk_type *type_of(struct walk *walk, const void *object)
{
    const void *type = pyobject_type_of(object);
    struct walk_type *entry = &walk->types[hash_of(type) & (WALK_TYPES - 1)];
    if (entry->info.type != type) {
        entry->info = pyobject_classify(type);
        entry->watch = watch_of(walk, type);
    }
    return entry;
}

static struct walk_reference reference_of(const struct pyobject_edge *edge, uint32_t parent)
{
    return (struct walk_reference){
        .name = edge->name, .parent = parent, .index = edge->index, .step = (uint8_t)edge->step};
}

static void end_walk(struct walk *walk)
{
    walk->ended = true;
    walk->truncated = true;
}

static struct walk_node *add_node(struct walk *walk, const struct pyobject_edge *edge,
                                  const struct walk_type *type, uint32_t parent)
{
    if (walk->count >= WALK_NODES) {
        end_walk(walk);
        return NULL;
    }
    struct walk_node *node = &walk->nodes[walk->count];
    *node = (struct walk_node){
        .object = edge->object,
        .reference = reference_of(edge, parent),
        .kind = type->info.kind,
        .depth = parent == WALK_NONE ? 0 : (uint8_t)(walk->nodes[parent].depth + 1),
        .watch = type->watch,
        .has_names = type->info.has_names,
    };
    walk->count++;
    return node;
}

/* ---- the beginning ---- */

static uint32_t hash_of_name(const char *letters, size_t length)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)letters[i]) * UINT64_C(0x100000001B3); /* FNV-1a */
    return (uint32_t)(hash ^ hash >> 32);
}

/* Where the module of this name is, or belongs; NULL: too many others are in the way. */
static struct walk_name *name_place(const struct walk *walk, const char *letters, size_t length)
{
    uint32_t hash = hash_of_name(letters, length);
    for (uint32_t i = 0; i < WALK_NAME_TRIES; i++) {
        struct walk_name *place = &walk->names[(hash + i) & (WALK_NAMES - 1)];
        size_t other;
        const char *name = place->name ? pyobject_ascii(place->name, &other) : NULL;
        if (!name || (other == length && memcmp(name, letters, length) == 0))
            return place;
    }
    return NULL;
}

static void add_name(struct walk *walk, const void *name, void *module)
{
    size_t length;
    const char *letters = pyobject_ascii(name, &length);
    struct walk_name *place = length < WALK_NAME_SIZE ? name_place(walk, letters, length) : NULL;
    if (place && !place->name)
        *place = (struct walk_name){.name = name, .module = module};
}

static bool is_past(uint64_t steps, uint64_t when_usec)
{
    return steps % WALK_CLOCK_NODES == 0 && clock_thread_usec() >= when_usec;
}

static bool on_module(void *context, const struct pyobject_edge *edge)
{
    struct walk *walk = context;
    size_t length;
    if (walk->count >= WALK_MODULES || is_past(++walk->entries, walk->gather_usec)) {
        walk->truncated = true;
        return false;
    }
    if (!pyobject_ascii(edge->name, &length))
        return true;
    const struct walk_type *type = type_of(walk, edge->object);
    if (!type->info.has_names)
        return true;
    add_name(walk, edge->name, edge->object);
    return add_node(walk, edge, type, WALK_NONE) != NULL;
}

static void swap_modules(struct walk *walk, uint32_t a, uint32_t b)
{
    struct walk_node node = walk->nodes[a];
    walk->nodes[a] = walk->nodes[b];
    walk->nodes[b] = node;
}

/* The file of a module, or NULL. */
static const char *file_of(void *module, size_t *ret_length)
{
    void *file = module ? pyobject_attribute(module, "__file__") : NULL;
    return file ? pyobject_ascii(file, ret_length) : NULL;
}

/* Neither installed as a package nor part of Python itself: its folder is that of os. */
static bool is_own_module(const struct walk *walk, uint32_t index, const char *library,
                          size_t library_length)
{
    size_t length;
    const char *file = file_of(walk->nodes[index].object, &length); /* ends with NUL */
    return file && length < PATH_MAX && !strstr(file, "/site-packages/") &&
           !strstr(file, "/dist-packages/") &&
           !(library && length > library_length && memcmp(file, library, library_length) == 0);
}

static void put_main_first(struct walk *walk)
{
    const struct walk_name *place = name_place(walk, "__main__", strlen("__main__"));
    const void *name = place ? place->name : NULL;
    for (uint32_t i = 0; name && i < walk->count && walk->own == 0; i++)
        if (walk->nodes[i].reference.name == name)
            swap_modules(walk, walk->own++, i);
}

/* The main module first, then the program's own ones; of the others the last loaded first. What
 * there is no time for is one of the others. */
static void order_modules(struct walk *walk)
{
    size_t length = 0;
    const char *library = file_of(walk_module(walk, "os"), &length);
    while (library && length > 0 && library[length - 1] != '/')
        length--;
    for (uint32_t i = 0; i < walk->count / 2; i++)
        swap_modules(walk, i, walk->count - 1 - i);
    put_main_first(walk);
    for (uint32_t i = walk->own; i < walk->count && !is_past(i, walk->order_usec); i++)
        if (is_own_module(walk, i, library, length))
            swap_modules(walk, walk->own++, i);
}

static void note_modules(struct walk *walk)
{
    for (uint32_t i = 0; i < walk->modules; i++) {
        uint32_t *place = visited_place(walk, walk->nodes[i].object);
        if (*place)
            walk->nodes[i].has_names = false; /* os.path and posixpath are one */
        else
            *place = i + 1;
    }
}

void walk_begin(struct walk *walk, void *memory, void *modules, uint64_t deadline_usec,
                const struct walk_handler *handler)
{
    uint64_t now = clock_thread_usec();
    uint64_t sixth_usec = deadline_usec > now ? (deadline_usec - now) / 6 : 0;
    *walk = (struct walk){.handler = *handler,
                          .deadline_usec = deadline_usec,
                          .gather_usec = now + WALK_GATHER_SIXTHS * sixth_usec,
                          .order_usec = now + WALK_ORDER_SIXTHS * sixth_usec};
    walk->nodes = memory;
    walk->visited = (void *)(walk->nodes + WALK_NODES);
    walk->types = (void *)(walk->visited + WALK_VISITED);
    walk->names = (void *)(walk->types + WALK_TYPES);
    pyobject_visit_dict(modules, on_module, walk);
    walk->modules = walk->count;
    order_modules(walk);
    note_modules(walk);
}

void *walk_module(const struct walk *walk, const char *name)
{
    const struct walk_name *place = name_place(walk, name, strlen(name));
    return place ? place->module : NULL;
}

uint8_t walk_watch(struct walk *walk, const void *type)
{
    if (!type || walk->watch_count >= WALK_WATCHES)
        return 0;
    walk->watches[walk->watch_count++] = type;
    return (uint8_t)walk->watch_count;
}

/* ---- on the way ---- */

/* Is there something in it, or something to say about it? */
static bool is_worth_a_node(const struct pyobject_edge *edge, const struct walk_type *type)
{
    switch ((enum pyobject_kind)type->info.kind) {
    case PYOBJECT_ATOM:
        return false;
    case PYOBJECT_TEXT:
        return pyobject_length(edge->object, PYOBJECT_TEXT) >= WALK_TEXT_MIN;
    case PYOBJECT_DICT:
    case PYOBJECT_LIST:
    case PYOBJECT_TUPLE:
    case PYOBJECT_SET:
    case PYOBJECT_DEQUE:
        return type->info.has_names ||
               pyobject_length(edge->object, (enum pyobject_kind)type->info.kind) > 0;
    case PYOBJECT_CLASS:
        return pyobject_class_is_made(edge->object);
    default:
        return true;
    }
}

static bool is_time_up(struct walk *walk)
{
    if (++walk->looked % WALK_CLOCK_EVERY == 0 && clock_thread_usec() >= walk->deadline_usec)
        end_walk(walk);
    return walk->ended;
}

static bool on_edge(void *context, const struct pyobject_edge *edge)
{
    struct walk *walk = context;
    const struct walk_type *type = type_of(walk, edge->object);
    if (is_time_up(walk))
        return false;
    if (type->info.kind == PYOBJECT_ATOM)
        return true;
    uint32_t *place = visited_place(walk, edge->object);
    if (*place) {
        const struct walk_reference again = reference_of(edge, walk->current);
        if (walk->nodes[*place - 1].mark)
            walk->handler.on_again(walk->handler.context, *place - 1, &again);
        return true;
    }
    if (!is_worth_a_node(edge, type))
        return true;
    if (!add_node(walk, edge, type, walk->current))
        return false;
    *place = walk->count;
    walk->handler.on_found(walk->handler.context, walk->count - 1);
    return true;
}

static void look_into(struct walk *walk, uint32_t index)
{
    const struct walk_node node = walk->nodes[index];
    enum pyobject_kind kind = (enum pyobject_kind)node.kind;
    bool has_items = kind == PYOBJECT_DICT || kind == PYOBJECT_LIST || kind == PYOBJECT_TUPLE ||
                     kind == PYOBJECT_SET;
    walk->current = index;
    if (has_items && pyobject_length(node.object, kind) <= WALK_ITEMS_MAX)
        pyobject_visit_items(node.object, kind, on_edge, walk);
    if (node.has_names && !walk->ended)
        pyobject_visit_names(node.object, kind, on_edge, walk);
}

/* Those from `from` on that lie before `to`, and what is found behind it. */
static uint32_t look_into_all(struct walk *walk, uint32_t from, uint32_t to, uint64_t most)
{
    while (from < to && from < walk->count && !walk->ended && walk->looked < most) {
        if (walk->nodes[from].depth < WALK_DEPTH_MAX)
            look_into(walk, from);
        if (is_past(++from, walk->deadline_usec))
            end_walk(walk);
    }
    return from;
}

/*
 * What the program itself has made comes first, down to the bottom as long as that does not take
 * half of the time; then all the rest, level by level.
 */
void walk_run(struct walk *walk)
{
    look_into_all(walk, 0, walk->own, UINT64_MAX);
    uint32_t next = look_into_all(walk, walk->modules, WALK_NODES, WALK_OWN_OBJECTS);
    look_into_all(walk, walk->own, walk->modules, UINT64_MAX);
    look_into_all(walk, next, WALK_NODES, UINT64_MAX);
}

/* ---- paths ---- */

static int append_step(const struct walk_reference *reference, struct buffer *path)
{
    char name[WALK_NAME_SIZE];
    const char *point = path->size > 0 ? "." : "";
    if (reference->step == PYOBJECT_INDEX)
        return buffer_printf(path, "[%u]", reference->index);
    if (reference->step == PYOBJECT_MEMBER)
        return buffer_printf(path, "%s%s", point, (const char *)reference->name);
    if (reference->step == PYOBJECT_NAME && pyobject_copy_name(reference->name, name, sizeof(name)))
        return buffer_printf(path, "%s%s", point, name);
    return buffer_append_text(path, "[...]");
}

void walk_path(const struct walk *walk, const struct walk_reference *reference, char *ret_path,
               size_t size)
{
    const struct walk_reference *chain[WALK_DEPTH_MAX + 2] = {reference};
    size_t depth = 1;
    struct buffer path;
    buffer_init_over(&path, ret_path, size - 1);
    while (chain[depth - 1]->parent != WALK_NONE && depth < WALK_DEPTH_MAX + 2) {
        chain[depth] = &walk->nodes[chain[depth - 1]->parent].reference;
        depth++;
    }
    while (depth > 0 && append_step(chain[depth - 1], &path) == 0)
        depth--;
    ret_path[path.size] = '\0';
}
