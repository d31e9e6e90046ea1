/* SPDX-License-Identifier: MIT */
#include "startup.h"

#include "python.h"

#include <stdatomic.h>
#include <stddef.h>

struct startup_allocator { /* PyMemAllocatorEx, the same in all versions that have it */
    void *context;         /* NULL: malloc, and no hook over it */
    void *(*malloc)(void *, size_t);
    void *(*calloc)(void *, size_t, size_t);
    void *(*realloc)(void *, void *, size_t);
    void (*free)(void *, void *);
};
#define STARTUP_DOMAIN_RAW 0 /* PYMEM_DOMAIN_RAW */

/* A look that falls into those microseconds sees malloc: once seen is enough. */
static _Atomic bool startup_hooked;

void startup_look(void)
{
    if (python_version() < PYTHON_3_11 || atomic_load(&startup_hooked))
        return;
    struct startup_allocator allocator = {0};
    python_api.get_allocator(STARTUP_DOMAIN_RAW, &allocator);
    if (allocator.context)
        atomic_store(&startup_hooked, true);
}

bool startup_matters(void)
{
    return atomic_load(&startup_hooked);
}

/* The globals of the outermost frame; a new reference. */
static void *startup_first_globals(void)
{
    void *frame = python_api.get_frame(); /* borrowed */
    if (!frame)
        return NULL;
    python_api.ref(frame);
    for (;;) {
        void *back = python_api.get_attribute(frame, "f_back");
        if (!back || back == python_api.none) {
            if (back)
                python_api.unref(back);
            break;
        }
        python_api.unref(frame);
        frame = back;
    }
    void *globals = python_api.get_attribute(frame, "f_globals");
    python_api.unref(frame);
    return globals;
}

/* The interpreter's own imports, site above all, begin in importlib; a program begins elsewhere. */
bool startup_is_over(void)
{
    startup_look();
    if (!startup_matters())
        return true;
    void *modules = python_api.get_modules(); /* borrowed */
    void *importlib = modules ? python_api.dict_get(modules, "_frozen_importlib") : NULL;
    void *its_globals = importlib ? python_api.get_attribute(importlib, "__dict__") : NULL;
    void *first = startup_first_globals();
    bool over = its_globals && first && first != its_globals;
    if (its_globals)
        python_api.unref(its_globals);
    if (first)
        python_api.unref(first);
    python_api.error_clear();
    return over;
}
