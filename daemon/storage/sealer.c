/* SPDX-License-Identifier: MIT */
#include "storage/sealer.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define SEALER_COLUMNS_BYTES (OPEN_LOG_PLACES * sizeof(struct sealer_column))

int sealer_init(struct sealer *sealer, struct queries *queries, struct block_numbers *numbers,
                struct shelf *shelf)
{
    *sealer = (struct sealer){.queries = queries, .shelf = shelf};
    block_packer_init(&sealer->blocks, queries, numbers, BLOCK_TABLE_SAMPLES);
    int r = block_builder_new(&sealer->builder);
    if (r < 0)
        return r;
    void *columns = mmap(NULL, SEALER_COLUMNS_BYTES, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (columns == MAP_FAILED)
        return -ENOMEM;
    sealer->columns = columns;
    return 0;
}

void sealer_finish(struct sealer *sealer)
{
    block_packer_finish(&sealer->blocks);
    block_builder_free(sealer->builder);
    if (sealer->columns)
        munmap(sealer->columns, SEALER_COLUMNS_BYTES);
    sealer->builder = NULL;
    sealer->columns = NULL;
}

/* ---- from log to columns ---- */

/* What holds at `ticks` ticks from one on. */
static void sealer_take_row(struct sealer *sealer, const struct open_log_row *row, unsigned tick,
                            unsigned ticks, uint64_t *used)
{
    for (uint64_t left = row->present; left != 0; left &= left - 1) {
        unsigned place = (unsigned)__builtin_ctzll(left);
        struct sealer_column *column = &sealer->columns[place];
        if (!(*used >> place & 1)) {
            memset(column->presence, 0, sizeof(column->presence));
            column->count = 0;
        }
        *used |= UINT64_C(1) << place;
        block_set_run(column->presence, tick, ticks);
        for (size_t end = column->count + ticks; column->count < end; column->count++)
            column->values[column->count] = row->value[place];
    }
}

/* *ret_used: the places that are known at some tick. */
static int sealer_read_log(struct sealer *sealer, const struct shelf_piece *piece,
                           uint64_t *ret_used)
{
    struct open_log_walk walk;
    uint64_t used = 0;
    int r = open_log_walk_begin(&walk, piece->data, piece->size);
    for (unsigned tick = 0; r == 0 && tick < piece->period.ticks;) {
        r = open_log_walk_to(&walk, tick);
        unsigned next = walk.next_tick < piece->period.ticks ? walk.next_tick : piece->period.ticks;
        if (r == 0 && walk.entered)
            sealer_take_row(sealer, &walk.row, tick, next - tick, &used);
        tick = next;
    }
    if (r == 0)
        *ret_used = used;
    return r;
}

static int sealer_build(struct sealer *sealer, const struct shelf_piece *piece, uint64_t used,
                        const uint8_t **ret_data, size_t *ret_size)
{
    int r = block_begin(sealer->builder, piece->period.ticks, 1);
    for (uint64_t left = used; r == 0 && left != 0; left &= left - 1) {
        unsigned place = (unsigned)__builtin_ctzll(left);
        const struct sealer_column *column = &sealer->columns[place];
        r = block_add(sealer->builder, open_log_code(piece->row == SHELF_HOST, place),
                      column->presence, column->values);
    }
    return r < 0 ? r : block_seal(sealer->builder, ret_data, ret_size);
}

/* ---- to the file ---- */

/* The wall clock may jump: its lowest and highest tick, not its first and last. */
static int sealer_put_span(struct sealer *sealer, const struct shelf_piece *piece)
{
    /* The times have their codes as places. */
    const struct sealer_column *mono = &sealer->columns[COLUMNS_MONO_USEC];
    const struct sealer_column *wall = &sealer->columns[COLUMNS_WALL_USEC];
    struct column_summary monos = {0}, walls = {0};
    int r = column_summarize(mono->values, mono->count, &monos);
    if (r == 0)
        r = column_summarize(wall->values, wall->count, &walls);
    sqlite3_stmt *statement = NULL;
    if (r == 0)
        r = query_get(sealer->queries, QUERY_SPAN_PUT, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":first_tick", piece->period.first_tick);
    query_bind(statement, ":ticks", piece->period.ticks);
    query_bind(statement, ":boot", sealer->boot);
    query_bind(statement, ":first_mono_usec", monos.min);
    query_bind(statement, ":first_wall_usec", walls.min);
    query_bind(statement, ":last_wall_usec", walls.max);
    return query_run(sealer->queries, statement);
}

static int sealer_put(struct sealer *sealer, const struct shelf_piece *piece)
{
    struct block_row row = {.process = piece->row,
                            .first_tick = piece->period.first_tick,
                            .ticks = piece->period.ticks};
    uint64_t used = 0;
    const uint8_t *data = NULL;
    int r = sealer_read_log(sealer, piece, &used);
    if (r == 0)
        r = sealer_build(sealer, piece, used, &data, &row.size);
    if (r < 0)
        return r;
    row.data = data;
    row.summary = block_summary(sealer->builder);
    r = block_packer_put(&sealer->blocks, &row);
    return r == 0 && piece->row == SHELF_HOST ? sealer_put_span(sealer, piece) : r;
}

int sealer_step(struct sealer *sealer, size_t limit, size_t *ret_sealed)
{
    size_t sealed = 0;
    struct shelf_piece piece;
    block_packer_clear(&sealer->blocks);
    while (sealed < limit && shelf_next_closing(sealer->shelf, &piece)) {
        int r = sealer_put(sealer, &piece);
        if (r < 0)
            return r;
        sealed++;
    }
    int r = block_packer_flush(&sealer->blocks);
    if (r == 0)
        *ret_sealed = sealed;
    return r;
}
