/* SPDX-License-Identifier: MIT */
/* What a walk reads of the file, each in one short transaction. */
#include "base/text.h"
#include "storage/connection.h"
#include "storage/hot_pages.h"
#include "storage/sample_walk_state.h"
#include "storage/span_rows.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static int sample_walk_end(struct sample_walk *walk, int r)
{
    connection_run(walk->database, "COMMIT");
    return r;
}

/* ---- what is asked for ---- */

/* What cannot be played back is lost to the daemon too. */
static int sample_walk_replay(void *context, int64_t tick, int64_t boot, const void *hot,
                              size_t size)
{
    (void)boot;
    struct sample_walk *walk = context;
    int r = shelf_replay(&walk->shelf, tick, hot, size);
    return r == -EUCLEAN || r == -ENOBUFS ? 0 : r;
}

/* -1: there is none. */
static int sample_walk_oldest(struct sample_walk *walk, int64_t *ret_tick)
{
    sqlite3_stmt *statement;
    int64_t tick = -1;
    int r = query_get(&walk->queries, QUERY_SAMPLE_OLDEST, &statement);
    if (r == 0)
        r = query_value(&walk->queries, statement, &tick);
    if (r == 0)
        *ret_tick = tick;
    return r;
}

static int64_t sample_walk_time(uint64_t wall_usec)
{
    return wall_usec > INT64_MAX ? INT64_MAX : (int64_t)wall_usec;
}

/* Of the blocks; spans outlive their samples. Rows in the blocks of an hour are not in order. */
static int sample_walk_plan_blocks(struct sample_walk *walk)
{
    struct tick_set all = {0};
    int64_t oldest = -1;
    int r = sample_walk_oldest(walk, &oldest);
    if (r == 0)
        r = span_rows_add(&walk->queries, sample_walk_time(walk->query.from_wall_usec),
                          sample_walk_time(walk->query.to_wall_usec), &all);
    const struct tick_range stored = {oldest / BLOCK_TICKS_LIMIT * BLOCK_TICKS_LIMIT, INT64_MAX};
    for (size_t i = 0; r == 0 && oldest >= 0 && i < all.count; i++)
        r = tick_set_add(&walk->ticks, tick_range_common(all.ranges[i], stored));
    tick_set_finish(&all);
    return r;
}

static int sample_walk_plan_shelf(struct sample_walk *walk)
{
    size_t count = 0;
    shelf_copies_clear(&walk->copies);
    int r = shelf_copies_add(&walk->copies, &walk->shelf, SHELF_HOST);
    const struct shelf_copy_piece *copies = shelf_copies_find(&walk->copies, SHELF_HOST, &count);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = tick_set_add(&walk->ticks, shelf_copy_ticks(&copies[i]));
    return r;
}

static int sample_walk_plan_target(struct sample_walk *walk, size_t index, struct error *error)
{
    struct target *target = &walk->query.targets[index];
    if (target->kind == TARGET_HOST)
        return error_set(error, -EOPNOTSUPP, "only processes can be exported, not the host");
    if (target->kind == TARGET_UNIT || target->kind == TARGET_GROUP)
        return 0;
    int r = target_rows_find(&walk->queries, NULL, target, &walk->rows[index]);
    if (r == 0 && walk->rows[index].count == 0)
        return error_set(error, -ESRCH, "there is no process %d%s in the store",
                         (int)target->id.pid,
                         target->kind == TARGET_PROCESS ? " that started then" : "");
    return r;
}

int sample_walk_plan(struct sample_walk *walk, struct error *error)
{
    int r = connection_run(walk->database, "BEGIN");
    if (r < 0)
        return r;
    /* First: what is sealed from now on is in both. */
    size_t ticks;
    r = hot_pages_read(&walk->queries, sample_walk_replay, walk, &ticks);
    if (r == 0)
        r = sample_walk_plan_blocks(walk);
    if (r == 0)
        r = sample_walk_plan_shelf(walk);
    for (size_t i = 0; r == 0 && i < walk->query.target_count; i++)
        r = sample_walk_plan_target(walk, i, error);
    return sample_walk_end(walk, r);
}

/* ---- times ---- */

static int sample_walk_add_times(struct block_reader *reader, const struct block_piece *piece,
                                 void *context)
{
    struct sample_walk *walk = context;
    struct sample_hour *hour = &walk->hour;
    struct block_reader_slot *wall = &reader->slots[0];
    int r = block_reader_column(reader, piece, COLUMNS_WALL_USEC, wall);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    for (int64_t tick = piece->ticks.first; tick < piece->ticks.end; tick++) {
        size_t from = (size_t)(tick - piece->block.first), to = (size_t)(tick - hour->ticks.first);
        if (!block_present(wall->presence, from) || wall->values[from] < 0)
            continue;
        hour->wall_usec[to] = (uint64_t)wall->values[from];
        hour->asked[to] = hour->wall_usec[to] >= walk->query.from_wall_usec &&
                          hour->wall_usec[to] < walk->query.to_wall_usec;
    }
    return 0;
}

static int sample_walk_visit(struct sample_walk *walk, int64_t row, block_visit visit)
{
    shelf_copies_clear(&walk->copies);
    int r = shelf_copies_add(&walk->copies, &walk->shelf, row);
    if (r == 0)
        r = connection_run(walk->database, "BEGIN");
    if (r < 0)
        return r;
    r = block_reader_visit_ticks(walk->reader, row, walk->hour.ticks, visit, walk);
    return sample_walk_end(walk, r);
}

int sample_walk_load_times(struct sample_walk *walk)
{
    memset(walk->hour.asked, 0, sizeof(walk->hour.asked));
    return sample_walk_visit(walk, SHELF_HOST, sample_walk_add_times);
}

/* ---- processes ---- */

static int sample_walk_read_process(struct sqlite3_stmt *statement, struct sample_process *process)
{
    enum { ROW, BOOT, PID, START_TICKS, EXEC_COUNT, UID, COMM, NAME, UNIT, GROUP, CMDLINE };
    int64_t pid = sqlite3_column_int64(statement, PID);
    if (pid < 0 || pid > INT32_MAX)
        return -EUCLEAN;
    process->row = sqlite3_column_int64(statement, ROW);
    process->id.pid = (pid_t)pid;
    process->id.start_ticks = (uint64_t)sqlite3_column_int64(statement, START_TICKS);
    process->exec_count = (uint32_t)sqlite3_column_int64(statement, EXEC_COUNT);
    process->uid = (uid_t)sqlite3_column_int64(statement, UID);
    query_column_text(statement, BOOT, process->boot, sizeof(process->boot));
    query_column_text(statement, COMM, process->comm, sizeof(process->comm));
    query_column_text(statement, NAME, process->name, sizeof(process->name));
    query_column_text(statement, UNIT, process->unit, sizeof(process->unit));
    query_column_text(statement, GROUP, process->group, sizeof(process->group));
    query_column_text(statement, CMDLINE, process->cmdline, sizeof(process->cmdline));
    return 0;
}

static bool sample_walk_wants(const struct sample_walk *walk, const struct sample_process *process)
{
    for (size_t i = 0; i < walk->query.target_count; i++) {
        const struct target *target = &walk->query.targets[i];
        const char *name = target->kind == TARGET_UNIT    ? process->unit
                           : target->kind == TARGET_GROUP ? process->group
                                                          : "";
        if (*name && strcmp(target->name, name) == 0)
            return true;
        for (size_t k = 0; k < walk->rows[i].count; k++)
            if (walk->rows[i].rows[k].row == process->row)
                return true;
    }
    return walk->query.target_count == 0;
}

static int sample_walk_read_page(struct sample_walk *walk, int64_t after_row)
{
    sqlite3_stmt *borrowed;
    int r = query_get(&walk->queries, QUERY_PROCESS_WALK, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind(statement, ":after", after_row);
    query_bind(statement, ":first_tick", walk->hour.ticks.first);
    query_bind(statement, ":end_tick", walk->hour.ticks.end);
    query_bind(statement, ":limit", INT64_MAX);
    while (walk->page_count < SAMPLE_WALK_PAGE) {
        bool row;
        r = query_next(&walk->queries, statement, &row);
        walk->page_last = !row;
        if (r < 0 || !row)
            return r;
        r = sample_walk_read_process(statement, &walk->page[walk->page_count]);
        if (r < 0)
            return r;
        walk->page_count += sample_walk_wants(walk, &walk->page[walk->page_count]);
    }
    return 0;
}

int sample_walk_load_page(struct sample_walk *walk, int64_t after_row)
{
    walk->page_count = walk->page_next = 0;
    int r = connection_run(walk->database, "BEGIN");
    return r < 0 ? r : sample_walk_end(walk, sample_walk_read_page(walk, after_row));
}

/* ---- values ---- */

static void sample_walk_add_column(struct sample_hour *hour, const struct block_piece *piece,
                                   const struct block_reader_slot *slot, enum metric metric)
{
    for (int64_t tick = piece->ticks.first; tick < piece->ticks.end; tick++) {
        size_t from = (size_t)(tick - piece->block.first), to = (size_t)(tick - hour->ticks.first);
        if (!block_present(slot->presence, from))
            continue;
        hour->present[to] |= UINT64_C(1) << metric;
        hour->value[metric][to] = slot->values[from];
    }
}

static int sample_walk_add_values(struct block_reader *reader, const struct block_piece *piece,
                                  void *context)
{
    struct sample_walk *walk = context;
    for (enum metric metric = 0; metric < METRIC_STORED_COUNT; metric++) {
        struct block_reader_slot *slot = &reader->slots[0];
        int r = block_reader_column(reader, piece, columns_code(metric), slot);
        if (r == 0)
            sample_walk_add_column(&walk->hour, piece, slot, metric);
        else if (r != -ENOENT)
            return r;
    }
    return 0;
}

int sample_walk_load_process(struct sample_walk *walk, int64_t row)
{
    memset(walk->hour.present, 0, sizeof(walk->hour.present));
    return sample_walk_visit(walk, row, sample_walk_add_values);
}
