/* SPDX-License-Identifier: MIT */
#include "model/metric.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

static const struct metric_info metric_infos[METRIC_COUNT] = {
#define X(id, name_, scope_, unit_, kind_, source_, help_)                                         \
    [METRIC_##id] = {.name = (name_),                                                              \
                     .scope = METRIC_SCOPE_##scope_,                                               \
                     .unit = METRIC_UNIT_##unit_,                                                  \
                     .kind = METRIC_KIND_##kind_,                                                  \
                     .source = METRIC_SOURCE_##source_,                                            \
                     .help = (help_)},
    METRIC_TABLE(X)
#undef X
};

static const char *const metric_suffixes[] = {
    [METRIC_UNIT_BYTES] = "_bytes",  [METRIC_UNIT_PERMYRIAD] = "_percent",
    [METRIC_UNIT_USEC] = "_seconds", [METRIC_UNIT_COUNT] = "",
    [METRIC_UNIT_FLAG] = "",
};

const struct metric_info *metric_info(enum metric metric)
{
    return &metric_infos[metric];
}

bool metric_is_stored(enum metric metric)
{
    return metric < METRIC_STORED_COUNT || metric >= METRIC_HOST_FIRST;
}

void metric_json_name(enum metric metric, char ret_name[static METRIC_JSON_NAME_SIZE])
{
    const struct metric_info *info = &metric_infos[metric];
    size_t length = text_copy(ret_name, METRIC_JSON_NAME_SIZE, info->name);
    for (size_t i = 0; i < length; i++)
        if (ret_name[i] == '.')
            ret_name[i] = '_';
    text_copy(ret_name + length, METRIC_JSON_NAME_SIZE - length, metric_suffixes[info->unit]);
}

bool metric_is_additive(enum metric metric)
{
    switch (metric) {
    case METRIC_AGE:
    case METRIC_PY_GC_ENABLED:
    case METRIC_PY_COVERAGE:
    case METRIC_LIMIT:
    case METRIC_HEADROOM:
        return false;
    default:
        return metric < METRIC_PROCESS_COUNT;
    }
}

bool metric_least_first(enum metric metric)
{
    return metric == METRIC_HEADROOM;
}

int metric_find(const char *name, enum metric *ret_metric)
{
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
        char json[METRIC_JSON_NAME_SIZE];
        metric_json_name(metric, json);
        if (strcmp(metric_infos[metric].name, name) == 0 || strcmp(json, name) == 0) {
            *ret_metric = metric;
            return 0;
        }
    }
    return -ENOENT;
}
