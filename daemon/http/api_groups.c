/* SPDX-License-Identifier: MIT */
#include "http/api.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "http/group_order.h"
#include "http/query.h"
#include "http/render.h"
#include "http/sheet.h"

#include <stdlib.h>
#include <string.h>

/* What a list request asks for. */
struct group_query {
    const char *text; /* q, "" = all */
    struct group_order order;
    size_t limit;
    bool has_after;
    struct group_order_key after; /* the last row of the page before */
};

struct group_row {
    const struct group_record *group;
    struct group_order_key key;
};

/* Whose members are all of one user may be seen by that user. */
static bool group_may_see(const struct request *request, const struct group_record *group)
{
    return request->asker.all || (!group->mixed_uids && group->uid == request->asker.uid);
}

static bool group_query_read(const struct request *request, struct reply *reply,
                             struct group_query *ret_query)
{
    static const char *const names[] = {"q", "sort", "limit", "cursor", NULL};
    char cursor[GROUP_ORDER_CURSOR_SIZE];
    struct group_query query = {.text = "", .order = {.figure = GROUP_FIGURE_RSS}};
    if (!query_check(request, names, reply) || !query_limit(request, reply, &query.limit) ||
        !query_cursor(request, reply, sizeof(cursor), cursor))
        return false;
    const char *sort = query_text(request, "sort"), *text = query_text(request, "q");
    query.has_after = cursor[0] != '\0';
    if (sort && group_order_find(sort, &query.order) < 0) {
        reply_problem(reply, 422, "bad_query",
                      "sort must be a number of groups (rss, pss, uss, swap, cow_loss, members, "
                      "came, ...) or name; not %.64s",
                      sort);
        return false;
    }
    if (query.has_after && group_order_cursor_parse(cursor, &query.after) < 0) {
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

static int group_row_compare(const void *a, const void *b)
{
    const struct group_row *left = a, *right = b;
    return group_order_compare(&left->key, &right->key);
}

/* The rows that the query wants, in no order. */
static size_t group_rows_select(const struct request *request, const struct group_query *query,
                                struct group_row *rows)
{
    size_t count = 0;
    for (size_t i = 0; i < request->snapshot->group_count; i++) {
        const struct group_record *group = &request->snapshot->groups[i];
        struct group_row *row = &rows[count];
        if (group->kind == GROUP_KIND_NONE || !group_may_see(request, group) ||
            !group_matches(group, query->text))
            continue;
        row->group = group;
        group_order_key(&query->order, group, &row->key);
        if (!query->has_after || group_order_compare(&query->after, &row->key) < 0)
            count++;
    }
    return count;
}

void api_groups_list(struct request *request, struct reply *reply)
{
    struct group_query query;
    if (!group_query_read(request, reply, &query) || !request_has_snapshot(request, reply) ||
        request_is_unchanged(request, reply))
        return;
    size_t room = request->snapshot->group_count + 1;
    _cleanup_(freep) struct group_row *rows = calloc(room, sizeof(*rows));
    if (!rows) {
        reply_no_memory(reply);
        return;
    }
    size_t count = group_rows_select(request, &query, rows);
    qsort(rows, count, sizeof(*rows), group_row_compare);
    size_t shown = count < query.limit ? count : query.limit;
    char next[GROUP_ORDER_CURSOR_SIZE] = "";
    if (count > shown)
        group_order_cursor_format(&rows[shown - 1].key, next);
    struct list list;
    list_begin(&list, reply);
    for (size_t i = 0; i < shown; i++)
        list_item(&list, render_group(rows[i].group, request->snapshot));
    list_end(&list, next);
}

/* ---- one group ---- */

/* Which processes a name means. */
struct group_members {
    const struct group_record *group; /* NULL: all of a unit */
    const char *unit;
};

static bool group_has(const struct group_members *members, const struct snapshot *snapshot,
                      const struct process *process)
{
    if (members->group)
        return snapshot_group_of(snapshot, process) == members->group;
    return strcmp(process_unit(process), members->unit) == 0;
}

struct member_row {
    const struct process *process;
};

static int member_compare(const void *a, const void *b)
{
    const struct process *left = ((const struct member_row *)a)->process;
    const struct process *right = ((const struct member_row *)b)->process;
    int64_t left_rss = 0, right_rss = 0;
    sample_get(&left->sample, METRIC_RSS, &left_rss);
    sample_get(&right->sample, METRIC_RSS, &right_rss);
    if (left_rss != right_rss)
        return left_rss > right_rss ? -1 : 1;
    return left->id.pid < right->id.pid ? -1 : left->id.pid > right->id.pid;
}

/* Members that the asker may see, the largest first. */
static size_t group_members_list(const struct request *request, const struct group_members *members,
                                 struct member_row *rows)
{
    const struct snapshot *snapshot = request->snapshot;
    size_t count = 0;
    for (size_t i = 0; i < snapshot->count; i++)
        if (group_has(members, snapshot, &snapshot->processes[i]) &&
            request_may_see(request, &snapshot->processes[i]))
            rows[count++].process = &snapshot->processes[i];
    qsort(rows, count, sizeof(*rows), member_compare);
    return count;
}

/* Of a unit as a whole, whatever groups its processes belong to; without a past. */
static void group_of_unit(const struct snapshot *snapshot, const char *unit,
                          const struct member_row *rows, size_t count,
                          struct group_record *ret_group)
{
    struct group_record group = {.kind = GROUP_KIND_UNIT, .uid = rows[0].process->uid};
    text_copy(group.name, sizeof(group.name), unit);
    group_begin(&group);
    for (size_t i = 0; i < count; i++) {
        group_add(&group, rows[i].process);
        group.mixed_uids |= rows[i].process->uid != group.uid;
    }
    group_end(&group);
    snapshot_group_limit(snapshot, &group);
    *ret_group = group;
}

static void group_reply(struct reply *reply, const struct group_record *group,
                        const struct member_row *rows, size_t count, size_t limit,
                        const struct snapshot *snapshot)
{
    json_t *value = render_group(group, snapshot), *list = json_array();
    size_t shown = count < limit ? count : limit;
    int failed = !value || !list;
    for (size_t i = 0; i < shown && !failed; i++)
        failed = json_array_append_new(list, render_process(rows[i].process, snapshot)) < 0;
    if (!failed)
        failed = json_object_set_nocheck(value, "processes", list) < 0;
    json_decref(list);
    if (failed) {
        json_decref(value);
        value = NULL;
    }
    reply_json(reply, 200, value);
}

/* The group that the path names: NAME, group:NAME or unit:NAME. false with the reply filled. */
static bool group_members_find(const struct request *request, struct reply *reply,
                               struct group_members *ret_members)
{
    const char *name = request->parameter;
    struct group_members members = {0};
    if (text_starts_with(name, "unit:")) {
        members.unit = name + strlen("unit:");
    } else {
        name += text_starts_with(name, "group:") ? strlen("group:") : 0;
        members.group = snapshot_find_group(request->snapshot, name);
    }
    if (!members.unit && !members.group) {
        reply_problem(reply, 404, "not_found", "there is no such group (any more)");
        return false;
    }
    if (members.group && !group_may_see(request, members.group)) {
        reply_problem(reply, 403, "forbidden", "that group has processes of another user");
        return false;
    }
    *ret_members = members;
    return true;
}

void api_groups_get(struct request *request, struct reply *reply)
{
    static const char *const names[] = {"limit", NULL};
    struct group_members members;
    struct group_record unit;
    size_t limit;
    if (!query_check(request, names, reply) || !query_limit(request, reply, &limit) ||
        !request_has_snapshot(request, reply) || !group_members_find(request, reply, &members))
        return;
    _cleanup_(freep) struct member_row *rows = calloc(request->snapshot->count + 1, sizeof(*rows));
    if (!rows) {
        reply_no_memory(reply);
        return;
    }
    size_t count = group_members_list(request, &members, rows);
    if (!members.group && count == 0) {
        reply_problem(reply, 404, "not_found", "there is no process in that unit");
        return;
    }
    if (!members.group)
        group_of_unit(request->snapshot, members.unit, rows, count, &unit);
    if (!request_is_unchanged(request, reply))
        group_reply(reply, members.group ? members.group : &unit, rows, count, limit,
                    request->snapshot);
}
