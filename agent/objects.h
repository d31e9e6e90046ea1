/* SPDX-License-Identifier: MIT */
/*
 * The shared objects that are loaded, and what they export, read from their own tables: without
 * dlopen() and without the message that a failing dlsym() allocates. Any thread, but not around a
 * fork: the loader's list is locked while it is walked, and stays so in a child.
 */
#ifndef MEMTEND_AGENT_OBJECTS_H
#define MEMTEND_AGENT_OBJECTS_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>

struct object {
    uintptr_t base;
    const ElfW(Sym) * symbols;
    const char *strings;
    const uint32_t *gnu_hash, *hash; /* one of them is not NULL */
};

/* Each object until visit() returns true; none of them can be unloaded meanwhile. True: one did. */
bool objects_visit(bool (*visit)(const struct object *object, void *argument), void *argument);
/* Rises whenever an object is loaded. */
uint64_t objects_added(void);
/* The object's own definition of a name, or NULL. It may not be relocated yet: do not call it. */
void *objects_symbol(const struct object *object, const char *name);

#endif
