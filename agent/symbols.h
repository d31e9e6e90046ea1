/* SPDX-License-Identifier: MIT */
/*
 * Everything that glibc 2.17 and musl do not both export from libc.so is looked up here at run
 * time. Resolved once in the constructor, constant afterwards; dlsym is not called again.
 */
#ifndef MEMTEND_AGENT_SYMBOLS_H
#define MEMTEND_AGENT_SYMBOLS_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

struct symbol {
    const char *name;
    size_t offset; /* of the pointer in the table that is filled */
    bool required;
};

/* dlsym() as glibc 2.17 had it, NULL without it. search: RTLD_DEFAULT or RTLD_NEXT. */
void *symbols_find(void *search, const char *name);
/* Fill a table of pointers; false when a required one is absent. find(context, name) or dlsym(). */
bool symbols_load_by(void *(*find)(const void *context, const char *name), const void *context,
                     const struct symbol *symbols, size_t count, void *table);
bool symbols_load(void *search, const struct symbol *symbols, size_t count, void *table);

struct symbols_mallinfo { /* struct mallinfo2 of glibc 2.33 */
    size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};

struct symbols_mallinfo_old { /* struct mallinfo of all versions */
    int arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};

struct symbols_libc {
    int (*pthread_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    int (*pthread_join)(pthread_t, void **);
    int (*pthread_attr_init)(pthread_attr_t *);
    int (*pthread_attr_setstacksize)(pthread_attr_t *, size_t);
    int (*pthread_attr_setstack)(pthread_attr_t *, void *, size_t);
    int (*pthread_attr_destroy)(pthread_attr_t *);
    int (*pthread_sigmask)(int, const sigset_t *, sigset_t *);
    int (*register_atfork)(void (*)(void), void (*)(void), void (*)(void), void *);
    const char *(*version)(void);
    /* optional */
    int (*malloc_trim)(size_t);
    struct symbols_mallinfo (*mallinfo2)(void);
    struct symbols_mallinfo_old (*mallinfo)(void);
};

extern struct symbols_libc libc_;

/* False where this is not glibc, or a glibc program without threads (before 2.34). */
bool symbols_resolve_libc(void);

#endif
