/* SPDX-License-Identifier: MIT */
#include "http/api.h"

#include "base/cleanup.h"
#include "http/order.h"
#include "http/query.h"
#include "http/render.h"
#include "http/sheet.h"

#include <stdlib.h>
#include <string.h>

/* What a list request asks for. */
struct process_query {
    const char *text; /* q, "" = all */
    struct order order;
    size_t limit;
    bool has_after;
    struct order_key after; /* the last row of the page before */
};

struct process_row {
    const struct process *process;
    struct order_key key;
};

static bool process_query_read(const struct request *request, struct reply *reply,
                               struct process_query *ret_query)
{
    static const char *const names[] = {"q", "sort", "limit", "cursor", NULL};
    char cursor[ORDER_CURSOR_SIZE];
    struct process_query query = {.text = "", .order = {.by = ORDER_METRIC, .metric = METRIC_RSS}};
    if (!query_check(request, names, reply) || !query_limit(request, reply, &query.limit) ||
        !query_cursor(request, reply, sizeof(cursor), cursor))
        return false;
    const char *sort = query_text(request, "sort");
    if (sort && order_find(sort, &query.order) < 0) {
        reply_problem(reply, 422, "bad_query",
                      "sort must be a metric of processes, pid or comm; not %.64s", sort);
        return false;
    }
    query.has_after = cursor[0] != '\0';
    if (query.has_after && order_cursor_parse(&query.order, cursor, &query.after) < 0) {
        reply_problem(reply, 422, "bad_query", "cursor must be a next_cursor of this list");
        return false;
    }
    const char *text = query_text(request, "q");
    if (text && strlen(text) > HTTP_QUERY_BYTES) {
        reply_problem(reply, 422, "bad_query", "q may have %d bytes", HTTP_QUERY_BYTES);
        return false;
    }
    if (text)
        query.text = text;
    *ret_query = query;
    return true;
}

static int process_row_compare(const void *a, const void *b, void *order)
{
    const struct process_row *left = a, *right = b;
    return order_compare(order, &left->key, &right->key);
}

/* The rows that the query wants, in no order. */
static size_t process_rows_select(const struct request *request, const struct process_query *query,
                                  struct process_row *rows)
{
    size_t count = 0;
    for (size_t i = 0; i < request->snapshot->count; i++) {
        const struct process *process = &request->snapshot->processes[i];
        struct process_row *row = &rows[count];
        if (!request_may_see(request, process) || !process_matches(process, query->text))
            continue;
        row->process = process;
        order_key(&query->order, process, &row->key);
        if (!query->has_after || order_compare(&query->order, &query->after, &row->key) < 0)
            count++;
    }
    return count;
}

void api_processes_list(struct request *request, struct reply *reply)
{
    struct process_query query;
    if (!process_query_read(request, reply, &query) || !request_has_snapshot(request, reply) ||
        request_is_unchanged(request, reply))
        return;
    size_t room = request->snapshot->count + 1;
    _cleanup_(freep) struct process_row *rows = calloc(room, sizeof(*rows));
    if (!rows) {
        reply_no_memory(reply);
        return;
    }
    size_t count = process_rows_select(request, &query, rows);
    qsort_r(rows, count, sizeof(*rows), process_row_compare, &query.order);
    size_t shown = count < query.limit ? count : query.limit;
    char next[ORDER_CURSOR_SIZE] = "";
    if (count > shown)
        order_cursor_format(&query.order, &rows[shown - 1].key, next);
    struct list list;
    list_begin(&list, reply);
    for (size_t i = 0; i < shown; i++)
        list_item(&list, render_process(rows[i].process, request->snapshot));
    list_end(&list, next);
}

void api_processes_get(struct request *request, struct reply *reply)
{
    static const char *const names[] = {NULL};
    struct target target;
    if (!query_check(request, names, reply))
        return;
    const struct process *process = request_process(request, reply, &target);
    if (process && !request_is_unchanged(request, reply))
        reply_json(reply, 200, render_process(process, request->snapshot));
}
