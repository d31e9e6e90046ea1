/* SPDX-License-Identifier: MIT */
/*
 * GET /api/v1/cgroups: groups in the order of one of their values, the largest first; of headroom
 * the least, because that is where it will hurt.
 */
#include "http/api.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "http/query.h"
#include "http/render.h"
#include "http/sheet.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CGROUPS_CURSOR_SIZE 48

/* A row as the order sees it. */
struct cgroup_key {
    bool present;
    int64_t value; /* negated where the least comes first */
    uint32_t serial;
};

struct cgroup_query {
    const char *text; /* q, "" = all */
    enum cgroup_value sort;
    size_t limit;
    bool has_after;
    struct cgroup_key after; /* the last row of the page before */
};

struct cgroup_row {
    const struct cgroup *cgroup;
    struct cgroup_key key;
};

/* Those without the value last, equal ones by age. */
static int key_compare(const struct cgroup_key *a, const struct cgroup_key *b)
{
    if (a->present != b->present)
        return a->present ? -1 : 1;
    if (a->value != b->value)
        return a->value > b->value ? -1 : 1;
    return a->serial == b->serial ? 0 : a->serial < b->serial ? -1 : 1;
}

static int row_compare(const void *a, const void *b)
{
    const struct cgroup_row *left = a, *right = b;
    return key_compare(&left->key, &right->key);
}

/* "v-5_7" or, without the value, "x_7". */
static void cursor_format(const struct cgroup_key *key, char ret_cursor[static CGROUPS_CURSOR_SIZE])
{
    if (key->present)
        snprintf(ret_cursor, CGROUPS_CURSOR_SIZE, "v%" PRId64 "_%" PRIu32, key->value, key->serial);
    else
        snprintf(ret_cursor, CGROUPS_CURSOR_SIZE, "x_%" PRIu32, key->serial);
}

static bool cursor_parse(char *cursor, struct cgroup_key *ret_key)
{
    struct cgroup_key key = {.present = cursor[0] == 'v'};
    char *serial = strchr(cursor, '_');
    uint64_t number;
    if (!serial || text_parse_u64(serial + 1, &number) < 0 || number > UINT32_MAX)
        return false;
    *serial = '\0';
    key.serial = (uint32_t)number;
    if (key.present ? text_parse_i64(cursor + 1, &key.value) < 0 : strcmp(cursor, "x") != 0)
        return false;
    *ret_key = key;
    return true;
}

static bool cgroup_query_read(const struct request *request, struct reply *reply,
                              struct cgroup_query *ret_query)
{
    static const char *const names[] = {"q", "sort", "limit", "cursor", NULL};
    struct cgroup_query query = {.text = "", .sort = CGROUP_VALUE_NEEDED};
    char cursor[CGROUPS_CURSOR_SIZE];
    if (!query_check(request, names, reply) || !query_limit(request, reply, &query.limit) ||
        !query_cursor(request, reply, sizeof(cursor), cursor))
        return false;
    const char *sort = query_text(request, "sort"), *text = query_text(request, "q");
    if (sort && cgroup_value_find(sort, &query.sort) < 0) {
        reply_problem(reply, 422, "bad_query",
                      "sort must be a value of control groups such as headroom_bytes; not %.64s",
                      sort);
        return false;
    }
    query.has_after = cursor[0] != '\0';
    if (query.has_after && !cursor_parse(cursor, &query.after)) {
        reply_problem(reply, 422, "bad_query", "cursor must be a next_cursor of this list");
        return false;
    }
    if (text && strlen(text) > HTTP_QUERY_BYTES) {
        reply_problem(reply, 422, "bad_query", "q may have %d bytes", HTTP_QUERY_BYTES);
        return false;
    }
    query.text = text ? text : "";
    *ret_query = query;
    return true;
}

static bool cgroup_matches(const struct cgroup *cgroup, const char *text)
{
    const struct cgroup_owner *owner = &cgroup->owner;
    return text_contains_ignore_case(cgroup->path, text) ||
           text_contains_ignore_case(owner->name, text) ||
           text_contains_ignore_case(owner->pod_uid, text);
}

/* Who may not see everything sees the groups of his processes. */
static void mark_visible(const struct request *request, bool *visible)
{
    const struct snapshot *snapshot = request->snapshot;
    for (size_t i = 0; i < snapshot->cgroup_count && request->asker.all; i++)
        visible[i] = true;
    for (size_t i = 0; i < snapshot->count && !request->asker.all; i++) {
        const struct process *process = &snapshot->processes[i];
        const struct cgroup *cgroup = snapshot_cgroup(snapshot, process);
        if (cgroup && request_may_see(request, process))
            visible[cgroup - snapshot->cgroups] = true;
    }
}

static size_t rows_select(const struct request *request, const struct cgroup_query *query,
                          const bool *visible, struct cgroup_row *rows)
{
    size_t count = 0;
    for (size_t i = 0; i < request->snapshot->cgroup_count; i++) {
        const struct cgroup *cgroup = &request->snapshot->cgroups[i];
        struct cgroup_row *row = &rows[count];
        if (cgroup->serial == 0 || !visible[i] || !cgroup_matches(cgroup, query->text))
            continue;
        *row = (struct cgroup_row){.cgroup = cgroup, .key.serial = cgroup->serial};
        row->key.present = cgroup_get(cgroup, query->sort, &row->key.value);
        if (query->sort == CGROUP_VALUE_HEADROOM)
            row->key.value = -row->key.value;
        if (!query->has_after || key_compare(&query->after, &row->key) < 0)
            count++;
    }
    return count;
}

static void rows_show(const struct request *request, const struct cgroup_query *query,
                      const struct cgroup_row *rows, size_t count, struct reply *reply)
{
    size_t shown = count < query->limit ? count : query->limit;
    char next[CGROUPS_CURSOR_SIZE] = "";
    if (count > shown)
        cursor_format(&rows[shown - 1].key, next);
    struct list list;
    list_begin(&list, reply);
    for (size_t i = 0; i < shown; i++)
        list_item(&list, render_cgroup(rows[i].cgroup, request->snapshot));
    list_end(&list, next);
}

void api_cgroups_list(struct request *request, struct reply *reply)
{
    struct cgroup_query query;
    if (!cgroup_query_read(request, reply, &query) || !request_has_snapshot(request, reply) ||
        request_is_unchanged(request, reply))
        return;
    bool visible[CGROUP_TABLE_LIMIT] = {0};
    size_t room = request->snapshot->cgroup_count + 1;
    _cleanup_(freep) struct cgroup_row *rows = calloc(room, sizeof(*rows));
    if (!rows) {
        reply_no_memory(reply);
        return;
    }
    mark_visible(request, visible);
    size_t count = rows_select(request, &query, visible, rows);
    qsort(rows, count, sizeof(*rows), row_compare);
    rows_show(request, &query, rows, count, reply);
}
