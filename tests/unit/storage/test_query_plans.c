/* SPDX-License-Identifier: MIT */
/* No query reads all of a table that grows, or sorts what an index has in order already; and a page
 * of a list costs the same wherever it is. */
#include "store_fixture.h"

#include "storage/connection.h"
#include "storage/query.h"

#include <sqlite3.h>

/* What may be read whole: it does not grow with time. */
static const char *const small_tables[] = {
    "rule",          /* 256 at most */
    "arming",        /* as many */
    "setting",       /* written by us alone */
    "hot",           /* the pages of about ten minutes, used again and again */
    "pin",           /* of 256 events, 16 each */
    "pinned_sample", /* 65,536 at most; once for each OOM kill */
};

/* A walk in the order of a key that ends after a few rows: its SQL has both. */
static const struct {
    enum query query;
    const char *order;
} walks[] = {
    {QUERY_BLOCK_EXPIRE, "ORDER BY id LIMIT :limit"},
    {QUERY_BLOCK_HOUR_EXPIRE, "ORDER BY id LIMIT :limit"},
    {QUERY_ROLLUP_MINUTE_EXPIRE, "ORDER BY id LIMIT :limit"},
    {QUERY_ROLLUP_HOUR_EXPIRE, "ORDER BY id LIMIT :limit"},
    {QUERY_BLOCK_OLDEST, "ORDER BY id LIMIT 1"},
    {QUERY_ROLLUP_HOUR_LAST, "ORDER BY id DESC LIMIT 1"},
    {QUERY_DATA_OLDEST, "ORDER BY id LIMIT 1"},
    {QUERY_SAMPLE_OLDEST, "ORDER BY id LIMIT 1"},
    {QUERY_SPAN_NEWEST, "ORDER BY first_tick DESC LIMIT 1"},
    {QUERY_EVENT_EXPIRE, "ORDER BY id LIMIT :limit"},
    {QUERY_RECEIPT_EXPIRE, "ORDER BY number LIMIT :limit"},
    {QUERY_TICK_NEWEST, "ORDER BY first_tick DESC LIMIT 1"},
};

/* What may be sorted: few rows, and no index would have them in this order. */
static const struct {
    enum query query;
    const char *why;
} sorts[] = {
    {QUERY_PIN_LIST, "16 rows of one event"},
    {QUERY_PROCESS_FIND_PID, "rows of one pid"},
    {QUERY_HOT_LIST, "the pages"},
    {QUERY_HOT_NEEDED, "the pages"},
};

static bool is_small(const char *scanned)
{
    for (size_t i = 0; i < sizeof(small_tables) / sizeof(small_tables[0]); i++) {
        size_t length = strlen(small_tables[i]);
        if (strncmp(scanned, small_tables[i], length) == 0 &&
            (scanned[length] == '\0' || scanned[length] == ' '))
            return true;
    }
    return scanned[0] == '(' || strcmp(scanned, "CONSTANT ROW") == 0; /* a part of the query */
}

static bool is_walk(enum query query, const char *sql)
{
    for (size_t i = 0; i < sizeof(walks) / sizeof(walks[0]); i++)
        if (walks[i].query == query)
            return strstr(sql, walks[i].order) != NULL;
    return false;
}

static bool may_sort(enum query query)
{
    for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++)
        if (sorts[i].query == query)
            return sorts[i].why[0] != '\0';
    return false;
}

/* One line of a plan; false: it must not be. */
static bool is_fine(enum query query, const char *sql, const char *detail)
{
    if (strstr(detail, "AUTOMATIC"))
        return false;
    if (strstr(detail, "TEMP B-TREE"))
        return may_sort(query);
    if (strncmp(detail, "SCAN ", strlen("SCAN ")) != 0)
        return true;
    return is_small(detail + strlen("SCAN ")) || is_walk(query, sql);
}

static void expect_plan(sqlite3 *database, enum query query, const char *sql)
{
    sqlite3_stmt *plan;
    char *explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
    assert_int_equal(sqlite3_prepare_v2(database, explain, -1, &plan, NULL), SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(plan, 3);
        if (!is_fine(query, sql, detail))
            fail_msg("%s: %s", query_name(query), detail);
    }
    sqlite3_finalize(plan);
    sqlite3_free(explain);
}

static sqlite3 *open_read(struct fixture *fixture)
{
    char path[256];
    fixture_path(fixture, STORE_FILE, path);
    sqlite3 *database;
    assert_int_equal(connection_open_read(path, &database), 0);
    return database;
}

static void no_query_reads_all_of_a_big_table(void **state)
{
    sqlite3 *database = open_read(*state);
    struct queries queries;
    queries_init(&queries, database);
    for (enum query query = 0; query < QUERY_COUNT; query++) {
        sqlite3_stmt *statement;
        assert_int_equal(query_get(&queries, query, &statement), 0);
        expect_plan(database, query, sqlite3_sql(statement));
    }
    queries_finish(&queries);
    connection_close(database);
}

/* The test can fail. */
static void bad_plans_are_seen(void **state)
{
    static const struct {
        const char *sql;
        bool fine;
    } cases[] = {
        {"SELECT * FROM event WHERE text = 'x'", false},
        {"SELECT * FROM event WHERE kind = 'x' ORDER BY text", false},
        {"SELECT count(*) FROM block", false},
        {"SELECT * FROM rule WHERE text = 'x'", true},
        {"SELECT * FROM event WHERE id < 5 ORDER BY id DESC LIMIT 5", true},
    };
    sqlite3 *database = open_read(*state);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sqlite3_stmt *plan;
        char *explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", cases[i].sql);
        assert_int_equal(sqlite3_prepare_v2(database, explain, -1, &plan, NULL), SQLITE_OK);
        bool fine = true;
        while (sqlite3_step(plan) == SQLITE_ROW)
            fine = is_fine(QUERY_EVENT_LIST, cases[i].sql,
                           (const char *)sqlite3_column_text(plan, 3)) &&
                   fine;
        assert_int_equal(fine, cases[i].fine);
        sqlite3_finalize(plan);
        sqlite3_free(explain);
    }
    connection_close(database);
}

#define EVENTS 4000
#define PAGE   20

/* Steps of SQLite's machine for one page. */
static int steps(struct queries *queries, enum query query, int64_t before, uint64_t from_usec)
{
    sqlite3_stmt *statement;
    int rows = 0;
    assert_int_equal(query_get(queries, query, &statement), 0);
    query_bind(statement, ":before", before);
    if (query != QUERY_RECEIPT_LIST)
        query_bind(statement, ":from_wall_usec", (int64_t)from_usec);
    if (query == QUERY_EVENT_LIST_KIND)
        query_bind_text(statement, ":kind", event_kind_name(EVENT_KIND_DEPLOY));
    query_bind(statement, ":limit", PAGE);
    sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1);
    while (sqlite3_step(statement) == SQLITE_ROW)
        rows++;
    assert_int_equal(rows, PAGE);
    int used = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1);
    query_reset(statement);
    return used;
}

static void fill(struct fixture *fixture)
{
    assert_int_equal(store_begin(fixture->store, true), 0);
    for (int64_t id = 1; id <= EVENTS; id++) {
        struct event event = {.id = id,
                              .kind = EVENT_KIND_DEPLOY,
                              .mono_usec = (uint64_t)id,
                              .wall_usec = fixture_wall((uint64_t)id)};
        text_copy(event.asked_by, sizeof(event.asked_by), "uid 0");
        assert_int_equal(store_write_event(fixture->store, &event), 0);
        struct receipt receipt = {.predicted_pause_usec = -1, .wall_usec = event.wall_usec};
        snprintf(receipt.id, sizeof(receipt.id), "r-%lld", (long long)id);
        assert_int_equal(store_write_receipt(fixture->store, &receipt), 0);
    }
    assert_int_equal(store_commit(fixture->store), 0);
}

static void a_page_costs_the_same_everywhere(void **state)
{
    static const enum query lists[] = {QUERY_EVENT_LIST, QUERY_EVENT_LIST_KIND, QUERY_AUDIT_LIST,
                                       QUERY_RECEIPT_LIST};
    struct fixture *fixture = *state;
    fill(fixture);
    sqlite3 *database = open_read(fixture);
    struct queries queries;
    queries_init(&queries, database);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        int first = steps(&queries, lists[i], INT64_MAX, 0);
        int middle = steps(&queries, lists[i], EVENTS / 2, 0);
        int last = steps(&queries, lists[i], PAGE + 1, 0);
        /* Some of the newest, of which there are no more than the page: it does not look on. */
        int newest = steps(&queries, lists[i], INT64_MAX, fixture_wall(EVENTS - PAGE + 1));
        const int most = PAGE * 100; /* two tables, 30 columns a row */
        if (first > most || middle > most || last > most || newest > most)
            fail_msg("%s: %d, %d, %d, %d steps", query_name(lists[i]), first, middle, last, newest);
    }
    queries_finish(&queries);
    connection_close(database);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_query_reads_all_of_a_big_table),
        TEST(bad_plans_are_seen),
        TEST(a_page_costs_the_same_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
