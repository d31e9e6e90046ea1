/* SPDX-License-Identifier: MIT */
#include "storage/rule_rows.h"

#include <errno.h>
#include <string.h>

int rule_rows_put_rule(struct queries *queries, const char *name, const char *text)
{
    sqlite3_stmt *statement;
    int r = query_get(queries, QUERY_RULE_PUT, &statement);
    if (r < 0)
        return r;
    query_bind_text(statement, ":name", name);
    query_bind_text(statement, ":text", text);
    return query_run(queries, statement);
}

int rule_rows_put_arming(struct queries *queries, const struct rule_arming *arming)
{
    sqlite3_stmt *statement;
    int r = query_get(queries, QUERY_ARMING_PUT, &statement);
    if (r < 0)
        return r;
    query_bind_text(statement, ":name", arming->name);
    query_bind_text(statement, ":sha256", arming->sha256);
    query_bind(statement, ":wall_usec", (int64_t)arming->wall_usec);
    query_bind_text(statement, ":asked_by", arming->asked_by);
    return query_run(queries, statement);
}

int rule_rows_put_setting(struct queries *queries, const char *name, const char *value)
{
    sqlite3_stmt *statement;
    int r = query_get(queries, QUERY_SETTING_PUT, &statement);
    if (r < 0)
        return r;
    query_bind_text(statement, ":name", name);
    query_bind_text(statement, ":value", value);
    return query_run(queries, statement);
}

int rule_rows_delete(struct queries *queries, enum query query, const char *name)
{
    sqlite3_stmt *statement;
    int r = query_get(queries, query, &statement);
    if (r < 0)
        return r;
    query_bind_text(statement, ":name", name);
    return query_run(queries, statement);
}

int rule_rows_put_content(struct queries *queries, const struct store_content *content)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < content->rule_count; i++)
        r = rule_rows_put_rule(queries, content->rules[i].name, content->rules[i].text);
    for (size_t i = 0; r == 0 && i < content->arming_count; i++)
        r = rule_rows_put_arming(queries, &content->armings[i]);
    for (size_t i = 0; r == 0 && i < content->setting_count; i++)
        r = rule_rows_put_setting(queries, content->settings[i].name, content->settings[i].value);
    return r;
}

static int rule_take(sqlite3_stmt *statement, void *ret_entry)
{
    struct rule_record *rule = ret_entry;
    const char *text = (const char *)sqlite3_column_text(statement, 1);
    rule->text = strdup(text ? text : "");
    if (!rule->text)
        return -ENOMEM;
    query_column_text(statement, 0, rule->name, sizeof(rule->name));
    digest_sha256(rule->text, strlen(rule->text), rule->sha256);
    rule->source = RULE_SOURCE_API;
    rule->state = RULE_STATE_DRY_RUN;
    return 0;
}

static int arming_take(sqlite3_stmt *statement, void *ret_entry)
{
    struct rule_arming *arming = ret_entry;
    query_column_text(statement, 0, arming->name, sizeof(arming->name));
    query_column_text(statement, 1, arming->sha256, sizeof(arming->sha256));
    arming->wall_usec = (uint64_t)sqlite3_column_int64(statement, 2);
    query_column_text(statement, 3, arming->asked_by, sizeof(arming->asked_by));
    return 0;
}

static int setting_take(sqlite3_stmt *statement, void *ret_entry)
{
    struct store_setting *setting = ret_entry;
    query_column_text(statement, 0, setting->name, sizeof(setting->name));
    query_column_text(statement, 1, setting->value, sizeof(setting->value));
    return 0;
}

struct rule_rows_list {
    enum query query;
    size_t limit;
    size_t entry_size;
    int (*take)(sqlite3_stmt *statement, void *ret_entry);
};

/* *ret_entries and *ret_count are the holder's from the first entry on, also on failure. */
static int rule_rows_list(struct queries *queries, const struct rule_rows_list *list,
                          void **ret_entries, size_t *ret_count)
{
    sqlite3_stmt *borrowed;
    int r = query_get(queries, list->query, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind(statement, ":limit", (int64_t)list->limit);
    for (;;) {
        bool row;
        r = query_next(queries, statement, &row);
        if (r < 0 || !row)
            return r;
        char *entries = reallocarray(*ret_entries, *ret_count + 1, list->entry_size);
        if (!entries)
            return -ENOMEM;
        *ret_entries = entries;
        char *entry = entries + *ret_count * list->entry_size;
        memset(entry, 0, list->entry_size);
        r = list->take(statement, entry);
        if (r < 0)
            return r;
        ++*ret_count;
    }
}

static const struct rule_rows_list rules_list = {QUERY_RULE_LIST, RULE_ROWS_LIMIT,
                                                 sizeof(struct rule_record), rule_take};
static const struct rule_rows_list armings_list = {QUERY_ARMING_LIST, RULE_ROWS_LIMIT,
                                                   sizeof(struct rule_arming), arming_take};
static const struct rule_rows_list settings_list = {QUERY_SETTING_LIST, STORE_SETTINGS_LIMIT,
                                                    sizeof(struct store_setting), setting_take};

/* What was read before a failure is in the content too. */
static int rule_rows_load_lists(struct queries *queries, struct store_content *content)
{
    struct {
        const struct rule_rows_list *list;
        size_t *count;
        void *entries;
    } lists[] = {{&rules_list, &content->rule_count, NULL},
                 {&armings_list, &content->arming_count, NULL},
                 {&settings_list, &content->setting_count, NULL}};
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(lists) / sizeof(lists[0]); i++)
        r = rule_rows_list(queries, lists[i].list, &lists[i].entries, lists[i].count);
    content->rules = lists[0].entries;
    content->armings = lists[1].entries;
    content->settings = lists[2].entries;
    return r;
}

int rule_rows_load(struct queries *queries, struct store_content *ret_content)
{
    struct store_content content = {0};
    int r = rule_rows_load_lists(queries, &content);
    if (r < 0) {
        store_content_finish(&content);
        return r;
    }
    *ret_content = content;
    return 0;
}

void store_content_finish(struct store_content *content)
{
    for (size_t i = 0; i < content->rule_count; i++)
        rule_record_finish(&content->rules[i]);
    free(content->rules);
    free(content->armings);
    free(content->settings);
    *content = (struct store_content){0};
}
