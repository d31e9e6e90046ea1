/* SPDX-License-Identifier: MIT */
/*
 * The order of a process list and the place in it where the next page starts: largest first (of
 * headroom the smallest), those without the value last, equal ones by id. A cursor names the last
 * row of a page, not a number of rows, so that a page neither repeats nor skips what did not change
 * between two requests. Pure, any thread.
 */
#ifndef MEMTEND_HTTP_ORDER_H
#define MEMTEND_HTTP_ORDER_H

#include "model/process.h"

#include <stdbool.h>

enum order_by { ORDER_METRIC, ORDER_PID, ORDER_COMM };

struct order {
    enum order_by by;
    enum metric metric; /* ORDER_METRIC */
};

/* A row as the order sees it. */
struct order_key {
    struct process_id id;
    bool present;
    int64_t value; /* ORDER_METRIC; negated where the smallest comes first */
    char comm[PROCESS_COMM_SIZE];
};

#define ORDER_CURSOR_SIZE 160

/* "rss", "rss_bytes", "pid", "comm". -EINVAL; metrics of the host are none. */
int order_find(const char *name, struct order *ret_order);
void order_key(const struct order *order, const struct process *process, struct order_key *ret_key);
/* Negative when a comes before b. */
int order_compare(const struct order *order, const struct order_key *a, const struct order_key *b);

void order_cursor_format(const struct order *order, const struct order_key *key,
                         char ret_cursor[static ORDER_CURSOR_SIZE]);
/* -EINVAL: not a cursor of this order. */
int order_cursor_parse(const struct order *order, const char *cursor, struct order_key *ret_key);

/* Text that may hold anything, as a part of a cursor: two digits a byte. Back: -EINVAL. */
void order_hex(const char *text, char *ret_hex);
int order_unhex(const char *hex, char *ret_text, size_t size);

#endif
