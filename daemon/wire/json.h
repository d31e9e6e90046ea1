/* SPDX-License-Identifier: MIT */
/*
 * One line of strict JSON as an array of nodes over the caller's bytes. jsmn finds the tokens;
 * what it lets pass (missing commas, stray text, bad numbers, raw control bytes) is refused here.
 * Keys must be plain (no escapes) and unique in their object. Pure, no allocation. Any thread.
 */
#ifndef MEMTEND_WIRE_JSON_H
#define MEMTEND_WIRE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_kind { JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_PRIMITIVE };

struct json_node {
    enum json_kind kind;
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
int json_read(const char *line, size_t length, int depth, struct json_node *nodes, size_t capacity);

bool json_is(const char *line, const struct json_node *node, const char *text);
/* A whole number 0..maximum. -EINVAL, -ERANGE. */
int json_u64(const char *line, const struct json_node *node, uint64_t maximum, uint64_t *ret_value);
int json_bool(const char *line, const struct json_node *node, bool *ret_value);
/*
 * Unescaped and cleaned (text_clean), NUL-terminated. -EINVAL when it is no string, -ENOBUFS when
 * it does not fit whole.
 */
int json_text(const char *line, const struct json_node *node, char *ret_text, size_t size);

#endif
