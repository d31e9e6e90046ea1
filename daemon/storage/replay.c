/* SPDX-License-Identifier: MIT */
#include "storage/replay.h"

#include <errno.h>

static int replay_rows(struct queries *queries, struct intake *intake, struct sealer *sealer,
                       size_t *ret_lost)
{
    enum { TICK, BOOT, DATA };
    sqlite3_stmt *borrowed;
    int r = query_get(queries, QUERY_HOT_LIST, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    size_t lost = 0;
    for (;;) {
        bool row;
        r = query_next(queries, statement, &row);
        if (r == 0 && !row)
            *ret_lost = lost;
        if (r < 0 || !row)
            return r;
        sealer->boot = sqlite3_column_int64(statement, BOOT);
        int played = shelf_replay(&intake->shelf, sqlite3_column_int64(statement, TICK),
                                  sqlite3_column_blob(statement, DATA),
                                  (size_t)sqlite3_column_bytes(statement, DATA));
        if (played < 0 && played != -EUCLEAN)
            return played;
        lost += played < 0;
    }
}

static int replay_seal(struct intake *intake, struct sealer *sealer)
{
    size_t sealed;
    do {
        int r = sealer_step(sealer, SHELF_TAKEN_LIMIT, &sealed);
        if (r < 0)
            return r;
        shelf_drop_closing(&intake->shelf);
    } while (sealed > 0);
    return 0;
}

int replay_run(struct queries *queries, struct intake *intake, struct sealer *sealer,
               size_t *ret_lost)
{
    int64_t boot = sealer->boot;
    int r = replay_rows(queries, intake, sealer, ret_lost);
    if (r == 0)
        r = shelf_end(&intake->shelf);
    if (r == 0)
        r = replay_seal(intake, sealer);
    sealer->boot = boot;
    sqlite3_stmt *statement = NULL;
    if (r == 0)
        r = query_get(queries, QUERY_HOT_DROP, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":tick", INT64_MAX);
    return query_run(queries, statement);
}
