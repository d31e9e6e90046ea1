/* SPDX-License-Identifier: MIT */
#include "model/series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const series_aggregate_names[] = {
    [SERIES_AVG] = "avg",   [SERIES_MIN] = "min",     [SERIES_MAX] = "max",
    [SERIES_LAST] = "last", [SERIES_RANGE] = "range",
};

void series_result_finish(struct series_result *result)
{
    for (size_t i = 0; i < result->count; i++)
        free(result->series[i].points);
    free(result->series);
    *result = (struct series_result){0};
}

int series_aggregate_find(const char *name, enum series_aggregate *ret_aggregate)
{
    for (enum series_aggregate aggregate = SERIES_AVG; aggregate <= SERIES_RANGE; aggregate++) {
        if (strcmp(series_aggregate_names[aggregate], name) == 0) {
            *ret_aggregate = aggregate;
            return 0;
        }
    }
    return -ENOENT;
}
