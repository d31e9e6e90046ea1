/* SPDX-License-Identifier: MIT */
#include "storage/block_rows.h"

static const struct {
    int64_t ticks;
    enum query put, max;
    bool summary;
} block_tables[BLOCK_TABLES] = {
    [BLOCK_TABLE_SAMPLES] = {600, QUERY_BLOCK_PUT, QUERY_BLOCK_MAX, true},
    [BLOCK_TABLE_HOUR] = {BLOCK_HOUR_TICKS, QUERY_BLOCK_HOUR_PUT, QUERY_BLOCK_HOUR_MAX, true},
    [BLOCK_TABLE_MINUTES] = {BLOCK_HOUR_TICKS, QUERY_ROLLUP_MINUTE_PUT, QUERY_ROLLUP_MINUTE_MAX,
                             false},
    [BLOCK_TABLE_HOURS] = {BLOCK_DAY_TICKS, QUERY_ROLLUP_HOUR_PUT, QUERY_ROLLUP_HOUR_MAX, false},
};

int block_numbers_load(struct block_numbers *numbers, struct queries *queries)
{
    int r = 0;
    for (int table = 0; r == 0 && table < BLOCK_TABLES; table++) {
        sqlite3_stmt *statement;
        int64_t newest = 0;
        r = query_get(queries, block_tables[table].max, &statement);
        if (r == 0)
            r = query_value(queries, statement, &newest);
        numbers->next[table] = newest + 1;
    }
    return r;
}

static int64_t block_number(struct block_numbers *numbers, enum block_table table,
                            int64_t first_tick)
{
    int64_t base = first_tick / block_tables[table].ticks << BLOCK_NUMBER_SHIFT;
    if (numbers->next[table] < base)
        numbers->next[table] = base;
    return numbers->next[table]++;
}

static void block_rows_bind_summary(sqlite3_stmt *statement, const struct block_summary *summary)
{
    bool rss = summary->count > 0, pss = summary->pss_count > 0;
    query_bind_known(statement, ":count", rss, summary->count);
    query_bind_known(statement, ":rss_max", rss, summary->rss_max);
    query_bind_known(statement, ":rss_sum", rss, summary->rss_sum);
    query_bind_known(statement, ":pss_count", pss, summary->pss_count);
    query_bind_known(statement, ":pss_max", pss, summary->pss_max);
    query_bind_known(statement, ":pss_sum", pss, summary->pss_sum);
}

int block_rows_put(struct queries *queries, struct block_numbers *numbers, enum block_table table,
                   const struct block_row *row)
{
    sqlite3_stmt *statement;
    int r = query_get(queries, block_tables[table].put, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":id", block_number(numbers, table, row->first_tick));
    query_bind(statement, ":process", row->process);
    query_bind(statement, ":first_tick", row->first_tick);
    query_bind(statement, ":ticks", (int64_t)row->ticks);
    if (block_tables[table].summary)
        block_rows_bind_summary(statement, &row->summary);
    query_bind_blob(statement, ":data", row->data, row->size);
    return query_run(queries, statement);
}
