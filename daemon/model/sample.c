/* SPDX-License-Identifier: MIT */
#include "model/sample.h"

static unsigned sample_field(enum metric metric)
{
    unsigned index = (unsigned)metric;
    return index < METRIC_HOST_FIRST ? index : index - METRIC_HOST_FIRST;
}

/* USS may come without PSS; the host has three files. */
static unsigned sample_clock(enum metric metric)
{
    switch (metric) {
    case METRIC_USS:
        return METRIC_SOURCES;
    case METRIC_PSI_SOME_AVG10:
    case METRIC_PSI_SOME_AVG60:
    case METRIC_PSI_FULL_AVG10:
    case METRIC_PSI_FULL_AVG60:
        return METRIC_SOURCES + 1;
    case METRIC_OOM_KILLS:
    case METRIC_HOST_MAJOR_FAULTS:
    case METRIC_SWAP_IN:
    case METRIC_SWAP_OUT:
        return METRIC_SOURCES + 2;
    default:
        return metric_info(metric)->source;
    }
}

void sample_set(struct sample *sample, enum metric metric, int64_t value, uint64_t mono_usec)
{
    unsigned field = sample_field(metric);
    uint32_t bit = UINT32_C(1) << field;
    if (!(sample->present & bit) || sample->value[field] != value)
        sample->changed |= bit;
    sample->present |= bit;
    sample->value[field] = value;
    sample->mono_usec[sample_clock(metric)] = mono_usec;
}

void sample_touch(struct sample *sample, enum metric metric, uint64_t mono_usec)
{
    sample->mono_usec[sample_clock(metric)] = mono_usec;
}

void sample_clear(struct sample *sample, enum metric metric)
{
    uint32_t bit = UINT32_C(1) << sample_field(metric);
    sample->changed |= sample->present & bit;
    sample->present &= ~bit;
}

bool sample_has(const struct sample *sample, enum metric metric)
{
    return sample->present >> sample_field(metric) & 1;
}

bool sample_get(const struct sample *sample, enum metric metric, int64_t *ret_value)
{
    if (!sample_has(sample, metric))
        return false;
    *ret_value = sample->value[sample_field(metric)];
    return true;
}

uint64_t sample_time(const struct sample *sample, enum metric metric)
{
    return sample_has(sample, metric) ? sample->mono_usec[sample_clock(metric)] : 0;
}
