/* SPDX-License-Identifier: MIT */
#include "storage/span_rows.h"

#include <errno.h>

int span_rows_add(struct queries *queries, int64_t from_usec, int64_t to_usec,
                  struct tick_set *ret_ticks)
{
    enum { FIRST_TICK, TICKS };
    sqlite3_stmt *borrowed;
    int r = query_get(queries, QUERY_SPAN_READ, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind(statement, ":from_usec", from_usec);
    query_bind(statement, ":to_usec", to_usec);
    for (;;) {
        bool row;
        r = query_next(queries, statement, &row);
        if (r < 0 || !row)
            return r;
        int64_t first = sqlite3_column_int64(statement, FIRST_TICK);
        int64_t ticks = sqlite3_column_int64(statement, TICKS);
        if (first < 0 || ticks < 0 || ticks > INT64_MAX - first)
            return -EUCLEAN;
        r = tick_set_add(ret_ticks, (struct tick_range){first, first + ticks});
        if (r < 0)
            return r;
    }
}
