/* SPDX-License-Identifier: MIT */
#include "storage/receipt_rows.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const measure_names[2][MEASURE_FIELD_COUNT] = {
    {":before_rss_bytes", ":before_pss_bytes", ":before_uss_bytes", ":before_swap_bytes",
     ":before_family_pss_bytes"},
    {":after_rss_bytes", ":after_pss_bytes", ":after_uss_bytes", ":after_swap_bytes",
     ":after_family_pss_bytes"},
};

static void measures_bind(sqlite3_stmt *statement, const struct measure *before,
                          const struct measure *after)
{
    const struct measure *measures[2] = {before, after};
    for (size_t side = 0; side < 2; side++)
        for (unsigned field = 0; field < MEASURE_FIELD_COUNT; field++)
            query_bind_known(statement, measure_names[side][field],
                             measures[side]->present >> field & 1, measures[side]->bytes[field]);
}

static void measure_take(sqlite3_stmt *statement, int first, struct measure *ret_measure)
{
    for (int field = 0; field < MEASURE_FIELD_COUNT; field++)
        if (sqlite3_column_type(statement, first + field) != SQLITE_NULL)
            measure_set(ret_measure, (enum measure_field)field,
                        sqlite3_column_int64(statement, first + field));
}

static int step_put(struct queries *queries, const char *id, size_t position,
                    const struct receipt_step *step)
{
    sqlite3_stmt *statement;
    int r = query_get(queries, QUERY_RECEIPT_STEP_INSERT, &statement);
    if (r < 0)
        return r;
    query_bind_text(statement, ":id", id);
    query_bind(statement, ":position", (int64_t)position);
    query_bind_text(statement, ":step", step_info(step->kind)->name);
    query_bind_text(statement, ":outcome", receipt_outcome_name(step->outcome));
    measures_bind(statement, &step->before, &step->after);
    query_bind_known(statement, ":pause_usec", step->pause_usec >= 0, step->pause_usec);
    query_bind_known(statement, ":objects", step->objects >= 0, step->objects);
    query_bind_text(statement, ":note", step->note);
    return query_run(queries, statement);
}

static void receipt_bind(sqlite3_stmt *statement, const struct receipt *receipt)
{
    query_bind_text(statement, ":id", receipt->id);
    query_bind(statement, ":pid", receipt->target.pid);
    query_bind(statement, ":start_ticks", (int64_t)receipt->target.start_ticks);
    query_bind_text(statement, ":comm", receipt->comm);
    query_bind_text(statement, ":rule", receipt->rule);
    query_bind_text(statement, ":asked_by", receipt->asked_by);
    query_bind(statement, ":mono_usec", (int64_t)receipt->mono_usec);
    query_bind(statement, ":wall_usec", (int64_t)receipt->wall_usec);
    query_bind_known(statement, ":finished_usec", receipt->finished_usec > 0,
                     (int64_t)receipt->finished_usec);
    query_bind_text(statement, ":basis", receipt_basis_name(receipt->basis));
    query_bind(statement, ":family_size", receipt->family_size);
    query_bind(statement, ":predicted_low_bytes", receipt->predicted_low_bytes);
    query_bind(statement, ":predicted_high_bytes", receipt->predicted_high_bytes);
    query_bind_known(statement, ":predicted_pause_usec", receipt->predicted_pause_usec >= 0,
                     receipt->predicted_pause_usec);
    query_bind(statement, ":predicted_unshared_bytes", receipt->predicted_unshared_bytes);
    measures_bind(statement, &receipt->before, &receipt->after);
    query_bind(statement, ":freed_bytes", receipt->freed_bytes);
    query_bind(statement, ":moved_to_swap_bytes", receipt->moved_to_swap_bytes);
    query_bind_text(statement, ":outcome", receipt_outcome_name(receipt->outcome));
    query_bind_text(statement, ":note", receipt->note);
}

int receipt_rows_put(struct queries *queries, int64_t boot, const struct receipt *receipt)
{
    sqlite3_stmt *statement, *forget;
    int r = query_get(queries, QUERY_RECEIPT_PUT, &statement);
    if (r < 0)
        return r;
    receipt_bind(statement, receipt);
    query_bind(statement, ":boot", boot);
    r = query_run(queries, statement);
    if (r < 0)
        return r;
    r = query_get(queries, QUERY_RECEIPT_STEPS_DELETE, &forget);
    if (r < 0)
        return r;
    query_bind_text(forget, ":id", receipt->id);
    r = query_run(queries, forget);
    for (size_t i = 0; r == 0 && i < receipt->step_count; i++)
        r = step_put(queries, receipt->id, i, &receipt->steps[i]);
    return r;
}

/* The columns of receipt_list.sql and receipt_get.sql. */
enum {
    NUMBER,
    ID,
    PID,
    START_TICKS,
    COMM,
    RULE,
    ASKED_BY,
    MONO_USEC,
    WALL_USEC,
    FINISHED_USEC,
    BASIS,
    FAMILY_SIZE,
    PREDICTED_LOW,
    PREDICTED_HIGH,
    PREDICTED_PAUSE,
    PREDICTED_UNSHARED,
    BEFORE,
    AFTER = BEFORE + MEASURE_FIELD_COUNT,
    FREED = AFTER + MEASURE_FIELD_COUNT,
    MOVED_TO_SWAP,
    OUTCOME,
    NOTE
};

/* The columns of receipt_steps.sql. */
enum {
    STEP_NAME,
    STEP_OUTCOME,
    STEP_BEFORE,
    STEP_AFTER = STEP_BEFORE + MEASURE_FIELD_COUNT,
    STEP_PAUSE = STEP_AFTER + MEASURE_FIELD_COUNT,
    STEP_OBJECTS,
    STEP_NOTE
};

static int basis_find(const char *name, enum receipt_basis *ret_basis)
{
    for (enum receipt_basis basis = 0; basis <= RECEIPT_BASIS_RSS; basis++) {
        if (strcmp(receipt_basis_name(basis), name) == 0) {
            *ret_basis = basis;
            return 0;
        }
    }
    return -ENOENT;
}

static int outcome_take(sqlite3_stmt *statement, int column, enum receipt_outcome *ret_outcome)
{
    char name[32];
    query_column_text(statement, column, name, sizeof(name));
    return receipt_outcome_find(name, ret_outcome) < 0 ? -EUCLEAN : 0;
}

static int step_take(sqlite3_stmt *statement, struct receipt_step *ret_step)
{
    char name[32];
    query_column_text(statement, STEP_NAME, name, sizeof(name));
    if (step_find(name, &ret_step->kind) < 0)
        return -EUCLEAN;
    measure_take(statement, STEP_BEFORE, &ret_step->before);
    measure_take(statement, STEP_AFTER, &ret_step->after);
    ret_step->pause_usec = query_column_known(statement, STEP_PAUSE);
    ret_step->objects = query_column_known(statement, STEP_OBJECTS);
    query_column_text(statement, STEP_NOTE, ret_step->note, sizeof(ret_step->note));
    return outcome_take(statement, STEP_OUTCOME, &ret_step->outcome);
}

static int steps_take(struct queries *queries, int64_t number, struct receipt *receipt)
{
    sqlite3_stmt *borrowed;
    int r = query_get(queries, QUERY_RECEIPT_STEPS, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind(statement, ":number", number);
    while (receipt->step_count < STEP_LIMIT) {
        bool row;
        r = query_next(queries, statement, &row);
        if (r < 0 || !row)
            return r;
        r = step_take(statement, &receipt->steps[receipt->step_count]);
        if (r < 0)
            return r;
        receipt->step_count++;
    }
    return 0;
}

static int receipt_take(sqlite3_stmt *statement, struct receipt *ret_receipt)
{
    struct receipt *receipt = ret_receipt;
    char basis[32];
    query_column_text(statement, BASIS, basis, sizeof(basis));
    if (basis_find(basis, &receipt->basis) < 0)
        return -EUCLEAN;
    query_column_text(statement, ID, receipt->id, sizeof(receipt->id));
    receipt->target.pid = (pid_t)sqlite3_column_int64(statement, PID);
    receipt->target.start_ticks = (uint64_t)sqlite3_column_int64(statement, START_TICKS);
    query_column_text(statement, COMM, receipt->comm, sizeof(receipt->comm));
    query_column_text(statement, RULE, receipt->rule, sizeof(receipt->rule));
    query_column_text(statement, ASKED_BY, receipt->asked_by, sizeof(receipt->asked_by));
    receipt->mono_usec = (uint64_t)sqlite3_column_int64(statement, MONO_USEC);
    receipt->wall_usec = (uint64_t)sqlite3_column_int64(statement, WALL_USEC);
    receipt->finished_usec = (uint64_t)sqlite3_column_int64(statement, FINISHED_USEC);
    receipt->family_size = (uint32_t)sqlite3_column_int64(statement, FAMILY_SIZE);
    receipt->predicted_low_bytes = sqlite3_column_int64(statement, PREDICTED_LOW);
    receipt->predicted_high_bytes = sqlite3_column_int64(statement, PREDICTED_HIGH);
    receipt->predicted_pause_usec = query_column_known(statement, PREDICTED_PAUSE);
    receipt->predicted_unshared_bytes = sqlite3_column_int64(statement, PREDICTED_UNSHARED);
    measure_take(statement, BEFORE, &receipt->before);
    measure_take(statement, AFTER, &receipt->after);
    receipt->freed_bytes = sqlite3_column_int64(statement, FREED);
    receipt->moved_to_swap_bytes = sqlite3_column_int64(statement, MOVED_TO_SWAP);
    query_column_text(statement, NOTE, receipt->note, sizeof(receipt->note));
    receipt->durable = true;
    return outcome_take(statement, OUTCOME, &receipt->outcome);
}

static int receipt_row_take(struct queries *queries, sqlite3_stmt *statement, int64_t number,
                            struct receipt *ret_receipt)
{
    int r = receipt_take(statement, ret_receipt);
    return r < 0 ? r : steps_take(queries, number, ret_receipt);
}

static int receipt_rows_fill(struct queries *queries, sqlite3_stmt *statement, size_t limit,
                             struct receipt *receipts, size_t *ret_count, int64_t *ret_next)
{
    size_t count = 0;
    int64_t last = 0;
    bool row;
    for (;; count++) {
        int r = query_next(queries, statement, &row);
        if (r == 0 && row && count < limit) {
            last = sqlite3_column_int64(statement, NUMBER);
            r = receipt_row_take(queries, statement, last, &receipts[count]);
        }
        if (r < 0)
            return r;
        if (!row || count == limit)
            break;
    }
    *ret_count = count;
    *ret_next = row ? last : 0;
    return 0;
}

int receipt_rows_read(struct queries *queries, sqlite3_stmt *statement, size_t limit,
                      size_t *ret_count, struct receipt **ret_receipts, int64_t *ret_next)
{
    struct receipt *receipts = calloc(limit, sizeof(*receipts));
    if (!receipts)
        return -ENOMEM;
    int r = receipt_rows_fill(queries, statement, limit, receipts, ret_count, ret_next);
    if (r < 0) {
        free(receipts);
        return r;
    }
    *ret_receipts = receipts;
    return 0;
}
