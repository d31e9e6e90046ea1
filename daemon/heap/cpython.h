/* SPDX-License-Identifier: MIT */
/*
 * Which CPython a program is, by the names of the files that it executes and maps, or by what its
 * agent says. Pure, any thread.
 */
#ifndef MEMTEND_HEAP_CPYTHON_H
#define MEMTEND_HEAP_CPYTHON_H

#include <stdbool.h>
#include <stddef.h>

struct cpython {
    unsigned major, minor; /* both 0: it is one, of a version that the name does not tell */
};

/*
 * The last part of a path: "python3.11", "python", "libpython3.13.so.1.0"; what the kernel adds to
 * a deleted file is ignored. False, *ret_version untouched: it is not a name that CPython gives
 * its files.
 */
bool cpython_of_file(const char *name, size_t length, struct cpython *ret_version);

/* "cpython 3.13.0", as an agent says it. */
bool cpython_of_runtime(const char *text, struct cpython *ret_version);

#endif
