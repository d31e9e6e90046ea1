/* SPDX-License-Identifier: MIT */
/*
 * Everything that is read from /proc, as hostile bytes. The first byte says whose they are.
 * Whatever comes in: no crash, no text that is not clean, nothing half filled in.
 */
#include "base/text.h"
#include "collect/meminfo.h"
#include "collect/pressure.h"
#include "collect/proc_cgroup.h"
#include "collect/proc_maps.h"
#include "collect/proc_owner.h"
#include "collect/proc_rollup.h"
#include "collect/proc_smaps.h"
#include "collect/proc_stat.h"
#include "collect/proc_statm.h"
#include "collect/proc_status.h"
#include "collect/vmstat.h"
#include "model/cmdline.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void fuzz_stat(const char *text, size_t length)
{
    struct proc_stat stat;
    if (proc_stat_parse(text, length, &stat) != OUTCOME_OK)
        return;
    must(stat.id.pid >= 0 && stat.ppid >= 0 && stat.rss_bytes >= 0);
    must(text_is_clean(stat.comm));
}

static void fuzz_status(const char *text, size_t length)
{
    struct proc_status status;
    struct sample sample = {0};
    must(!proc_owner_is(text, length, 0) || !proc_owner_is(text, length, 1));
    if (proc_status_parse(text, length, &status) != OUTCOME_OK)
        return;
    for (int field = 0; field < PROC_STATUS_FIELD_COUNT; field++)
        must(status.bytes[field] >= 0);
    proc_status_sample(&status, 1, &sample);
}

static void fuzz_rollup(const char *text, size_t length)
{
    struct proc_rollup rollup;
    if (proc_rollup_parse(text, length, &rollup) == OUTCOME_OK)
        must(rollup.uss_bytes >= 0 && rollup.shared_bytes >= 0 && rollup.pss_bytes >= 0);
}

static void fuzz_cgroup(const char *text, size_t length)
{
    struct proc_cgroup cgroup;
    char unit[PROCESS_UNIT_SIZE];
    if (proc_cgroup_parse(text, length, &cgroup) != OUTCOME_OK)
        return;
    must(cgroup.path[0] == '/');
    if (cgroup_unit(cgroup.path, unit))
        must(text_is_clean(unit) && unit[0] != '\0');
}

static void fuzz_cmdline(const char *text, size_t length)
{
    char full[512], redacted[PROCESS_CMDLINE_SIZE];
    must(cmdline_full(text, length, full, sizeof(full)) == strlen(full));
    must(cmdline_redact(text, length, redacted, sizeof(redacted)) == strlen(redacted));
    must(text_is_clean(full) && text_is_clean(redacted));
}

static void fuzz_meminfo(const char *text, size_t length)
{
    struct sample host = {0};
    meminfo_parse(text, length, 1, &host);
}

static void fuzz_vmstat(const char *text, size_t length)
{
    struct sample host = {0};
    vmstat_parse(text, length, 1, &host);
}

static void fuzz_pressure(const char *text, size_t length)
{
    struct sample host = {0};
    int64_t share;
    pressure_parse(text, length, 1, &host);
    if (sample_get(&host, METRIC_PSI_SOME_AVG10, &share))
        must(share >= 0 && share <= 10000);
}

static void fuzz_maps(const char *text, size_t length)
{
    const char *end = text + length;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline ? newline : end;
        struct proc_mapping mapping;
        if (proc_maps_parse(text, (size_t)(stop - text), &mapping)) {
            must(mapping.start < mapping.end);
            must(mapping.name >= text && mapping.name + mapping.name_length == stop);
            must(!proc_maps_is_private_memory(&mapping) || mapping.inode == 0);
        }
        text = newline ? newline + 1 : end;
    }
}

static void see_mapping(void *context, const struct mapping *mapping)
{
    (void)context;
    must(mapping->start < mapping->end && mapping->rss >= 0 && mapping->pss >= 0);
    must(mapping->private_bytes >= 0 && mapping->swap >= 0 && mapping->swap_pss >= -1);
    must(mapping->anonymous >= -1 && mapping->huge >= -1);
    must(memchr(mapping->name, '\n', mapping->name_length) == NULL);
}

static void fuzz_smaps(const char *text, size_t length)
{
    proc_smaps_parse(text, length, see_mapping, NULL);
}

static void fuzz_statm(const char *text, size_t length)
{
    struct proc_statm statm;
    if (proc_statm_parse(text, length, &statm) == OUTCOME_OK)
        must(statm.rss_bytes >= 0);
}

static void (*const parsers[])(const char *text, size_t length) = {
    fuzz_stat,   fuzz_status,   fuzz_rollup, fuzz_cgroup, fuzz_cmdline, fuzz_meminfo,
    fuzz_vmstat, fuzz_pressure, fuzz_maps,   fuzz_smaps,  fuzz_statm,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Letters, so that a corpus can be written by hand: 'a' = stat, 'b' = status, ... */
    size_t parser = size > 0 ? (size_t)(data[0] - 'a') : 0;
    if (size > 0 && parser < sizeof(parsers) / sizeof(parsers[0]))
        parsers[parser]((const char *)data + 1, size - 1);
    return 0;
}
