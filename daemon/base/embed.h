/* SPDX-License-Identifier: MIT */
/*
 * Files compiled into the program by cmake/Embed.cmake. A table ends with a NULL name; data is
 * followed by a NUL byte that size does not count. Constant for the life of the program.
 */
#ifndef MEMTEND_BASE_EMBED_H
#define MEMTEND_BASE_EMBED_H

#include <stddef.h>

struct embed_file {
    const char *name; /* file name without folders */
    const char *data;
    size_t size; /* bytes */
};

/* NULL when the table has no such file. */
const struct embed_file *embed_find(const struct embed_file *table, const char *name);

#endif
