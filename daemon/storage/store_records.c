/* SPDX-License-Identifier: MIT */
/* Events, receipts, rules and their copy. */
#include "storage/store_state.h"

#include "storage/event_rows.h"
#include "storage/pin_rows.h"
#include "storage/receipt_rows.h"
#include "storage/rule_rows.h"
#include "storage/rules_copy.h"

int store_write_event(struct store *store, const struct event *event)
{
    return event_rows_put(&store->queries, store->ticks.boot, event);
}

int store_write_pin(struct store *store, const struct event *event, const struct pin *pin)
{
    const struct pin_source source = {&store->queries, &store->intake->shelf};
    return pin_rows_put(&source, event, pin, store->limits.max_size_bytes);
}

int store_write_receipt(struct store *store, const struct receipt *receipt)
{
    return receipt_rows_put(&store->queries, store->ticks.boot, receipt);
}

int store_rule_put(struct store *store, const char *name, const char *text)
{
    store->rules_changed = true;
    return rule_rows_put_rule(&store->queries, name, text);
}

int store_rule_delete(struct store *store, const char *name)
{
    store->rules_changed = true;
    return rule_rows_delete(&store->queries, QUERY_RULE_DELETE, name);
}

int store_arming_put(struct store *store, const struct rule_arming *arming)
{
    store->rules_changed = true;
    return rule_rows_put_arming(&store->queries, arming);
}

int store_arming_delete(struct store *store, const char *name)
{
    store->rules_changed = true;
    return rule_rows_delete(&store->queries, QUERY_ARMING_DELETE, name);
}

int store_setting_put(struct store *store, const char *name, const char *value)
{
    store->rules_changed = true;
    return rule_rows_put_setting(&store->queries, name, value);
}

int store_setting_delete(struct store *store, const char *name)
{
    store->rules_changed = true;
    return rule_rows_delete(&store->queries, QUERY_SETTING_DELETE, name);
}

static int store_max(struct store *store, enum query query, int64_t *ret_value)
{
    sqlite3_stmt *statement;
    int r = query_get(&store->queries, query, &statement);
    return r < 0 ? r : query_value(&store->queries, statement, ret_value);
}

int store_load(struct store *store, struct store_content *ret_content)
{
    struct store_content content = {0};
    int r = rule_rows_load(&store->queries, &content);
    if (r == 0)
        r = store_max(store, QUERY_PROCESS_MAX, &content.max_process_row);
    if (r == 0)
        r = store_max(store, QUERY_EVENT_MAX, &content.max_event_id);
    if (r < 0) {
        store_content_finish(&content);
        return r;
    }
    *ret_content = content;
    return 0;
}

int store_load_copy(const char *directory, struct store_content *ret_content)
{
    return rules_copy_read(directory, ret_content);
}

int store_refresh_copy(struct store *store)
{
    if (!store->copy_stale)
        return 0;
    _cleanup_(store_content_finish) struct store_content content = {0};
    int r = rule_rows_load(&store->queries, &content);
    if (r == 0)
        r = rules_copy_write(store->directory, &content);
    if (r == 0)
        store->copy_stale = false;
    return r;
}
