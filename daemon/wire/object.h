/* SPDX-License-Identifier: MIT */
/*
 * One line of strict JSON as an array of nodes over the caller's bytes. jsmn finds the tokens;
 * what it lets pass (missing commas, stray text, bad numbers, raw control bytes) is refused here.
 * Keys must be plain (no escapes) and unique in their object. Pure, no allocation. Any thread.
 */
#ifndef MEMTEND_WIRE_OBJECT_H
#define MEMTEND_WIRE_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum object_kind { OBJECT_OBJECT, OBJECT_ARRAY, OBJECT_STRING, OBJECT_PRIMITIVE };

struct object_node {
    enum object_kind kind;
    int start; /* of the text in the line; of a string without its quotes */
    int end;
    int size; /* keys of an object, elements of an array, 1 for a key */
    int next; /* index of the node behind this one and all inside it */
};

/*
 * The root must be an object with at most depth levels, itself counted. Returns the number of
 * nodes (the root first, then in order of appearance), or -EBADMSG. nodes may be written to in
 * either case.
 */
int object_read(const char *line, size_t length, int depth, struct object_node *nodes,
                size_t capacity);

bool object_is(const char *line, const struct object_node *node, const char *text);
/* A whole number 0..maximum. -EINVAL, -ERANGE. */
int object_u64(const char *line, const struct object_node *node, uint64_t maximum,
               uint64_t *ret_value);
int object_bool(const char *line, const struct object_node *node, bool *ret_value);
/*
 * Unescaped and cleaned (text_clean), NUL-terminated. -EINVAL when it is no string, -ENOBUFS when
 * it does not fit whole.
 */
int object_text(const char *line, const struct object_node *node, char *ret_text, size_t size);

#endif
