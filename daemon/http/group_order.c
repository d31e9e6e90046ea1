/* SPDX-License-Identifier: MIT */
#include "http/group_order.h"

#include "base/text.h"
#include "http/order.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int group_order_find(const char *name, struct group_order *ret_order)
{
    struct group_order order = {.by_name = strcmp(name, "name") == 0};
    if (!order.by_name && group_figure_find(name, &order.figure) < 0)
        return -EINVAL;
    *ret_order = order;
    return 0;
}

void group_order_key(const struct group_order *order, const struct group_record *group,
                     struct group_order_key *ret_key)
{
    struct group_order_key key = {.present = order->by_name};
    if (!order->by_name)
        key.present = group_figure_get(group, order->figure, &key.value);
    if (!order->by_name && order->figure == GROUP_FIGURE_HEADROOM)
        key.value = -key.value;
    text_copy(key.name, sizeof(key.name), group->name);
    *ret_key = key;
}

int group_order_compare(const struct group_order_key *a, const struct group_order_key *b)
{
    if (a->present != b->present)
        return a->present ? -1 : 1;
    if (a->value != b->value)
        return a->value > b->value ? -1 : 1;
    return strcmp(a->name, b->name);
}

/* "v1048576_6e616d65", "x_6e616d65" without the value. */
void group_order_cursor_format(const struct group_order_key *key,
                               char ret_cursor[static GROUP_ORDER_CURSOR_SIZE])
{
    char name[2 * GROUP_NAME_SIZE];
    order_hex(key->name, name);
    if (key->present)
        snprintf(ret_cursor, GROUP_ORDER_CURSOR_SIZE, "v%" PRId64 "_%s", key->value, name);
    else
        snprintf(ret_cursor, GROUP_ORDER_CURSOR_SIZE, "x_%s", name);
}

int group_order_cursor_parse(const char *cursor, struct group_order_key *ret_key)
{
    char text[GROUP_ORDER_CURSOR_SIZE];
    if (strlen(cursor) >= sizeof(text) || (cursor[0] != 'v' && cursor[0] != 'x'))
        return -EINVAL;
    text_copy(text, sizeof(text), cursor);
    struct group_order_key key = {.present = text[0] == 'v'};
    char *name = strchr(text, '_');
    if (!name || order_unhex(name + 1, key.name, sizeof(key.name)) < 0)
        return -EINVAL;
    *name = '\0';
    if (key.present ? text_parse_i64(text + 1, &key.value) < 0 : text[1] != '\0')
        return -EINVAL;
    *ret_key = key;
    return 0;
}
