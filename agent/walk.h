/* SPDX-License-Identifier: MIT */
/*
 * A walk through the interpreter's objects, from sys.modules outwards, level by level, along names
 * and the items of small containers. It takes nothing but time, and of that no more than it is
 * given: GIL held from walk_begin() on, all objects borrowed, every table of a fixed size in one
 * mapping of the caller's. Job's thread.
 */
#ifndef MEMTEND_AGENT_WALK_H
#define MEMTEND_AGENT_WALK_H

#include "pyobject.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WALK_NONE      UINT32_MAX
#define WALK_WATCHES   8
#define WALK_NAME_SIZE 64 /* a longer name of one part of a path is no name */

/* From where an object is referred to, and how. */
struct walk_reference {
    const void *name;
    uint32_t parent; /* node; WALK_NONE: a module of sys.modules */
    uint32_t index;
    uint8_t step; /* enum pyobject_step */
};

/* An object that was found, and from where first. */
struct walk_node {
    void *object;
    struct walk_reference reference;
    uint8_t kind; /* enum pyobject_kind */
    uint8_t depth;
    uint8_t watch; /* its type is this watch, or a subclass of it; counts from 1 */
    uint8_t mark;  /* the caller's; 0 at first */
    bool has_names;
};

/* A module by the name that sys.modules has for it. */
struct walk_name {
    const void *name; /* NULL = free */
    void *module;
};

struct walk;

struct walk_handler {
    void *context;
    void (*on_found)(void *context, uint32_t node);
    /* A further reference to a node with a mark, from another place. */
    void (*on_again)(void *context, uint32_t node, const struct walk_reference *reference);
};

struct walk {
    struct walk_handler handler;
    struct walk_node *nodes;
    uint32_t count, modules; /* nodes 0..modules-1 are the modules, the program's own first */
    uint32_t own;
    uint32_t *visited;       /* by address: node + 1, 0 = free */
    struct walk_type *types; /* by address */
    struct walk_name *names; /* by name */
    uint32_t watch_count;
    const void *watches[WALK_WATCHES];
    uint64_t looked;  /* objects seen */
    uint64_t entries; /* of sys.modules */
    uint64_t deadline_usec, gather_usec, order_usec;
    uint32_t current; /* the node whose references are looked at */
    bool ended;       /* no time or no room is left */
    bool truncated;   /* it is, or not all modules were taken */
};

/* Bytes that walk_begin() needs, zeroed. */
size_t walk_memory_bytes(void);
/* Start: the modules are the first nodes. */
void walk_begin(struct walk *walk, void *memory, void *modules, uint64_t deadline_usec,
                const struct walk_handler *handler);
/* The loaded module of this name, in a few steps however many there are; NULL: none, or not taken.
 */
void *walk_module(const struct walk *walk, const char *name);
/* Mark objects of this class and its subclasses; before walk_run(). Returns its number; 0: no room
 * or no class. */
uint8_t walk_watch(struct walk *walk, const void *type);
void walk_run(struct walk *walk);

/* "package.module.object.attribute[...]"; an item of a dict or set has no name of its own. */
void walk_path(const struct walk *walk, const struct walk_reference *reference, char *ret_path,
               size_t size);

#endif
