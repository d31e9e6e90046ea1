/* SPDX-License-Identifier: MIT */
#include "collect/meminfo.h"

#include "base/file.h"
#include "collect/keyed.h"

#include <stddef.h>

/* 1.5 KiB today. */
#define MEMINFO_SIZE 8192

/* The first one is always there; all in the order of the file. */
static const struct keyed_metric meminfo_metrics[] = {
    {"MemTotal", METRIC_MEM_TOTAL},
    {"MemFree", METRIC_MEM_FREE},
    {"MemAvailable", METRIC_MEM_AVAILABLE},
    {"Cached", METRIC_MEM_CACHED},
    {"SwapTotal", METRIC_SWAP_TOTAL},
    {"SwapFree", METRIC_SWAP_FREE},
    {"Shmem", METRIC_MEM_SHMEM},
};

#define MEMINFO_COUNT (sizeof(meminfo_metrics) / sizeof(meminfo_metrics[0]))

enum outcome meminfo_parse(const char *text, size_t length, uint64_t mono_usec, struct sample *host)
{
    uint32_t present = keyed_sample(text, length, meminfo_metrics, MEMINFO_COUNT, mono_usec, host);
    return present & 1 ? OUTCOME_OK : OUTCOME_MALFORMED;
}

enum outcome meminfo_read(int proc, uint64_t mono_usec, struct sample *host)
{
    char text[MEMINFO_SIZE];
    size_t length = 0;
    int r = file_read_at(proc, "meminfo", text, sizeof(text), &length);
    enum outcome parsed = meminfo_parse(text, length, mono_usec, host);
    return r < 0 ? outcome_of_host(r) : parsed;
}
