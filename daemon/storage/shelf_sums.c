/* SPDX-License-Identifier: MIT */
/* What stands beside the logs, for all of them at once. */
#include "storage/shelf.h"

#include <string.h>

struct shelf_sums {
    const struct shelf *shelf;
    enum shelf_sum_of of;
    shelf_sum_visit visit;
    void *context;
};

/* `log` NULL: it has what it has now, for all of the period. */
static int shelf_sums_tell(const struct shelf_sums *sums, const struct shelf_entry *entry,
                           const struct shelf_log *log, const struct shelf_period *period,
                           unsigned ticks)
{
    struct shelf_sum all[SHELF_SUMS] = {0};
    if (log)
        memcpy(all, log->sums, sizeof(all));
    shelf_entry_sum(entry, ticks, all);
    return all[sums->of].count > 0 ? sums->visit(entry->row, period, &all[sums->of], sums->context)
                                   : 0;
}

static int shelf_sums_entry(const struct shelf_sums *sums, const struct shelf_entry *entry)
{
    const struct shelf *shelf = sums->shelf;
    int r = 0;
    for (size_t i = 0; r == 0 && i < shelf->closing_count; i++) {
        const struct shelf_closing *closing = &shelf->closing[i];
        bool newest = i + 1 == shelf->closing_count;
        const struct shelf_log *log;
        if (shelf_entry_has(entry, closing->number, newest, &log))
            r = shelf_sums_tell(sums, entry, log, &closing->period,
                                log ? 0 : closing->period.ticks);
    }
    if (r < 0 || shelf->current.ticks == 0)
        return r;
    return shelf_sums_tell(sums, entry, entry->log, &shelf->current,
                           shelf->current.ticks - entry->tick);
}

int shelf_visit_sums(struct shelf *shelf, enum shelf_sum_of of, shelf_sum_visit visit,
                     void *context)
{
    const struct shelf_sums sums = {.shelf = shelf, .of = of, .visit = visit, .context = context};
    int r = 0;
    pthread_mutex_lock(&shelf->mutex);
    for (size_t i = 0; r == 0 && i < shelf->table.slot_count; i++) {
        const struct shelf_entry *entry = shelf->table.slots[i];
        if (entry && entry->row != SHELF_HOST)
            r = shelf_sums_entry(&sums, entry);
    }
    pthread_mutex_unlock(&shelf->mutex);
    return r;
}
