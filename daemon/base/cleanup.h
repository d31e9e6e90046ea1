/* SPDX-License-Identifier: MIT */
/*
 * The one cleanup idiom: a local owner carries _cleanup_(xp), success hands over with STEAL().
 *
 *     _cleanup_(freep) char *text = strdup(s);
 *     ...
 *     *ret_text = STEAL(text);
 */
#ifndef MEMTEND_BASE_CLEANUP_H
#define MEMTEND_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((__cleanup__(function)))

/* Take the pointer out of its owner, which is left NULL. */
#define STEAL(pointer)                                                                             \
    (__extension__({                                                                               \
        __typeof__(pointer) steal_ = (pointer);                                                    \
        (pointer) = NULL;                                                                          \
        steal_;                                                                                    \
    }))

/* Same for a file descriptor, which is left -1. */
#define STEAL_FD(fd)                                                                               \
    (__extension__({                                                                               \
        int steal_ = (fd);                                                                         \
        (fd) = -1;                                                                                 \
        steal_;                                                                                    \
    }))

/* Define functionp(type **) for use with _cleanup_. */
#define DEFINE_CLEANUP(type, function)                                                             \
    static inline void function##p(type *pointer) /* NOLINT(bugprone-macro-parentheses): a type */ \
    {                                                                                              \
        if (*pointer)                                                                              \
            function(*pointer);                                                                    \
    }                                                                                              \
    struct cleanup_semicolon_

static inline void freep(void *pointer)
{
    free(*(void **)pointer);
}

static inline void closep(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

DEFINE_CLEANUP(FILE *, fclose);

#endif
