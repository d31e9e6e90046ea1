/* SPDX-License-Identifier: MIT */
/*
 * Rules, armings and settings as rows: what the daemon starts from, and what the copy of the rules
 * holds. One thread at a time, that of the connection.
 */
#ifndef MEMTEND_STORAGE_RULE_ROWS_H
#define MEMTEND_STORAGE_RULE_ROWS_H

#include "storage/query.h"
#include "storage/store.h"

/* Lists in the store have no other limit than this; the API's are lower. */
#define RULE_ROWS_LIMIT 1024

int rule_rows_put_rule(struct queries *queries, const char *name, const char *text);
int rule_rows_put_arming(struct queries *queries, const struct rule_arming *arming);
int rule_rows_put_setting(struct queries *queries, const char *name, const char *value);
/* One of RULE_DELETE, ARMING_DELETE, SETTING_DELETE. */
int rule_rows_delete(struct queries *queries, enum query query, const char *name);

/* All of a content, into empty tables. */
int rule_rows_put_content(struct queries *queries, const struct store_content *content);
/* Rules, armings and settings; the highest ids stay 0. */
int rule_rows_load(struct queries *queries, struct store_content *ret_content);

#endif
