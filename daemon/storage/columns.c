/* SPDX-License-Identifier: MIT */
#include "storage/columns.h"

/* In stored blocks for as long as they are kept: only append, to each range. A metric that goes
 * leaves its number unused. 1 to 15 are times (enum columns_time), 16 to 95 metrics of a process,
 * 96 to 127 those of the host. */
static const uint8_t columns_codes[METRIC_COUNT] = {
    [METRIC_RSS] = 16,
    [METRIC_CPU] = 17,
    [METRIC_THREADS] = 18,
    [METRIC_MAJOR_FAULTS] = 19,
    [METRIC_AGE] = 20,
    [METRIC_ANON] = 21,
    [METRIC_FILE] = 22,
    [METRIC_SHMEM] = 23,
    [METRIC_SWAP] = 24,
    [METRIC_PEAK_RSS] = 25,
    [METRIC_PSS] = 26,
    [METRIC_USS] = 27,
    [METRIC_SWAP_PSS] = 28,
    [METRIC_HEAP_TOTAL] = 29,
    [METRIC_HEAP_USED] = 30,
    [METRIC_HEAP_FREE] = 31,
    [METRIC_PY_BLOCKS] = 32,
    [METRIC_PY_GC_ENABLED] = 33,
    [METRIC_PY_GC_COUNT0] = 34,
    [METRIC_PY_GC_COUNT1] = 35,
    [METRIC_PY_GC_COUNT2] = 36,
    [METRIC_PY_GC_GARBAGE] = 37,
    [METRIC_PY_GC_FROZEN] = 38,
    [METRIC_PY_USED] = 39,
    [METRIC_PY_PINNED] = 40,
    [METRIC_PY_FREE] = 41,
    [METRIC_PY_POOLS] = 42,
    [METRIC_PY_COVERAGE] = 43,
    [METRIC_MEM_TOTAL] = 96,
    [METRIC_MEM_AVAILABLE] = 97,
    [METRIC_MEM_FREE] = 98,
    [METRIC_MEM_CACHED] = 99,
    [METRIC_MEM_SHMEM] = 100,
    [METRIC_SWAP_TOTAL] = 101,
    [METRIC_SWAP_FREE] = 102,
    [METRIC_PSI_SOME_AVG10] = 103,
    [METRIC_PSI_SOME_AVG60] = 104,
    [METRIC_PSI_FULL_AVG10] = 105,
    [METRIC_PSI_FULL_AVG60] = 106,
    [METRIC_OOM_KILLS] = 107,
    [METRIC_HOST_MAJOR_FAULTS] = 108,
    [METRIC_SWAP_IN] = 109,
    [METRIC_SWAP_OUT] = 110,
};

uint16_t columns_code(enum metric metric)
{
    return columns_codes[metric];
}
