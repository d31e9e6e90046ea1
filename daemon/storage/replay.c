/* SPDX-License-Identifier: MIT */
#include "storage/replay.h"

#include "storage/hot_pages.h"

#include <errno.h>

struct replay {
    struct intake *intake;
    struct sealer *sealer;
    size_t played;
};

/* One that does not fit costs its tick; those behind it, up to the next period, do not fit either.
 */
static int replay_tick(void *context, int64_t tick, int64_t boot, const void *hot, size_t size)
{
    struct replay *replay = context;
    replay->sealer->boot = boot;
    int r = shelf_replay(&replay->intake->shelf, tick, hot, size);
    replay->played += r == 0;
    return r == -EUCLEAN ? 0 : r;
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
    struct replay replay = {.intake = intake, .sealer = sealer};
    size_t ticks;
    int r = hot_pages_read(queries, replay_tick, &replay, &ticks);
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
    query_bind(statement, ":id", 0);
    *ret_lost = ticks > replay.played ? ticks - replay.played : 0;
    return query_run(queries, statement);
}
