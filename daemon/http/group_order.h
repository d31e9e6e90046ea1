/* SPDX-License-Identifier: MIT */
/*
 * The order of a list of groups and the place in it where the next page starts, as http/order.h for
 * processes: largest first (of headroom the smallest), those without the value last, equal ones by
 * name. Pure, any thread.
 */
#ifndef MEMTEND_HTTP_GROUP_ORDER_H
#define MEMTEND_HTTP_GROUP_ORDER_H

#include "model/group.h"

struct group_order {
    bool by_name;
    enum group_figure figure; /* else */
};

/* A row as the order sees it. */
struct group_order_key {
    bool present;
    int64_t value; /* negated where the smallest comes first */
    char name[GROUP_NAME_SIZE];
};

#define GROUP_ORDER_CURSOR_SIZE (2 * GROUP_NAME_SIZE + 32)

/* "rss", "rss_bytes", "members", "name". -EINVAL. */
int group_order_find(const char *name, struct group_order *ret_order);
void group_order_key(const struct group_order *order, const struct group_record *group,
                     struct group_order_key *ret_key);
/* Negative when a comes before b. */
int group_order_compare(const struct group_order_key *a, const struct group_order_key *b);

void group_order_cursor_format(const struct group_order_key *key,
                               char ret_cursor[static GROUP_ORDER_CURSOR_SIZE]);
/* -EINVAL: not a cursor of such a list. */
int group_order_cursor_parse(const char *cursor, struct group_order_key *ret_key);

#endif
