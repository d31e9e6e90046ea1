/* SPDX-License-Identifier: MIT */
#include "http/order.h"

#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int order_find(const char *name, struct order *ret_order)
{
    struct order order = {.by = ORDER_METRIC};
    if (strcmp(name, "pid") == 0)
        order.by = ORDER_PID;
    else if (strcmp(name, "comm") == 0)
        order.by = ORDER_COMM;
    else if (metric_find(name, &order.metric) < 0 ||
             metric_info(order.metric)->scope != METRIC_SCOPE_PROCESS)
        return -EINVAL;
    *ret_order = order;
    return 0;
}

void order_key(const struct order *order, const struct process *process, struct order_key *ret_key)
{
    struct order_key key = {.id = process->id, .present = true};
    if (order->by == ORDER_METRIC) {
        key.present = sample_get(&process->sample, order->metric, &key.value);
        key.value = metric_least_first(order->metric) ? -key.value : key.value;
    } else if (order->by == ORDER_COMM) {
        text_copy(key.comm, sizeof(key.comm), process->comm);
    }
    *ret_key = key;
}

static int order_compare_ids(struct process_id a, struct process_id b)
{
    if (a.pid != b.pid)
        return a.pid > b.pid ? -1 : 1;
    return a.start_ticks == b.start_ticks ? 0 : a.start_ticks > b.start_ticks ? -1 : 1;
}

int order_compare(const struct order *order, const struct order_key *a, const struct order_key *b)
{
    if (a->present != b->present)
        return a->present ? -1 : 1;
    if (order->by == ORDER_METRIC && a->value != b->value)
        return a->value > b->value ? -1 : 1;
    int comm = order->by == ORDER_COMM ? strcmp(b->comm, a->comm) : 0;
    return comm != 0 ? comm : order_compare_ids(a->id, b->id);
}

void order_hex(const char *text, char *ret_hex)
{
    static const char digits[] = "0123456789abcdef";
    for (; *text; text++) {
        *ret_hex++ = digits[(unsigned char)*text >> 4];
        *ret_hex++ = digits[(unsigned char)*text & 15];
    }
    *ret_hex = '\0';
}

/* "v-5_4711-88213": what it is ordered by, then the id. comm in hex: it may hold anything. */
void order_cursor_format(const struct order *order, const struct order_key *key,
                         char ret_cursor[static ORDER_CURSOR_SIZE])
{
    char id[PROCESS_ID_SIZE], comm[2 * PROCESS_COMM_SIZE];
    process_id_format(key->id, id);
    order_hex(key->comm, comm);
    if (order->by == ORDER_PID)
        snprintf(ret_cursor, ORDER_CURSOR_SIZE, "p_%s", id);
    else if (order->by == ORDER_COMM)
        snprintf(ret_cursor, ORDER_CURSOR_SIZE, "c%s_%s", comm, id);
    else if (key->present)
        snprintf(ret_cursor, ORDER_CURSOR_SIZE, "v%" PRId64 "_%s", key->value, id);
    else
        snprintf(ret_cursor, ORDER_CURSOR_SIZE, "x_%s", id);
}

static int order_unhex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int order_unhex(const char *hex, char *ret_text, size_t size)
{
    size_t length = strlen(hex) / 2;
    if (strlen(hex) % 2 != 0 || length >= size)
        return -EINVAL;
    for (size_t i = 0; i < length; i++) {
        int high = order_unhex_digit(hex[2 * i]), low = order_unhex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0 || (high == 0 && low == 0))
            return -EINVAL;
        ret_text[i] = (char)(high * 16 + low);
    }
    ret_text[length] = '\0';
    return 0;
}

int order_cursor_parse(const struct order *order, const char *cursor, struct order_key *ret_key)
{
    static const char *const kinds[] = {
        [ORDER_METRIC] = "vx", [ORDER_PID] = "p", [ORDER_COMM] = "c"};
    char text[ORDER_CURSOR_SIZE];
    if (strlen(cursor) >= sizeof(text) || !cursor[0] || !strchr(kinds[order->by], cursor[0]))
        return -EINVAL;
    text_copy(text, sizeof(text), cursor);
    struct order_key key = {.present = text[0] != 'x'};
    char *id = strchr(text, '_');
    if (!id || process_id_parse(id + 1, &key.id) < 0)
        return -EINVAL;
    *id = '\0';
    if (text[0] == 'v' && text_parse_i64(text + 1, &key.value) < 0)
        return -EINVAL;
    if (text[0] == 'c' && order_unhex(text + 1, key.comm, sizeof(key.comm)) < 0)
        return -EINVAL;
    *ret_key = key;
    return 0;
}
