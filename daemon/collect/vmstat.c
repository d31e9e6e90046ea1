/* SPDX-License-Identifier: MIT */
#include "collect/vmstat.h"

#include "base/file.h"
#include "collect/keyed.h"

#include <stddef.h>

/* 4 KiB today, growing with every kernel. */
#define VMSTAT_SIZE 16384

/* The first one is always there; those of swap need a kernel with swap. */
static const struct keyed_metric vmstat_metrics[] = {
    {"pgmajfault", METRIC_HOST_MAJOR_FAULTS},
    {"pswpin", METRIC_SWAP_IN},
    {"pswpout", METRIC_SWAP_OUT},
    {"oom_kill", METRIC_OOM_KILLS},
};

#define VMSTAT_COUNT (sizeof(vmstat_metrics) / sizeof(vmstat_metrics[0]))

enum outcome vmstat_parse(const char *text, size_t length, uint64_t mono_usec, struct sample *host)
{
    uint32_t present = keyed_sample(text, length, vmstat_metrics, VMSTAT_COUNT, mono_usec, host);
    return present & 1 ? OUTCOME_OK : OUTCOME_MALFORMED;
}

enum outcome vmstat_read(int proc, uint64_t mono_usec, struct sample *host)
{
    char text[VMSTAT_SIZE];
    size_t length = 0;
    int r = file_read_at(proc, "vmstat", text, sizeof(text), &length);
    enum outcome parsed = vmstat_parse(text, length, mono_usec, host);
    return r < 0 ? outcome_of_host(r) : parsed;
}
