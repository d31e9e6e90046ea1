/* SPDX-License-Identifier: MIT */
#include "collect/proc_stat.h"

#include "base/text.h"
#include "collect/proc_file.h"

#include <string.h>
#include <unistd.h>

/* 52 numbers of at most 20 digits, and a name of at most 64 bytes. */
#define STAT_SIZE 1280

#define STAT_KTHREAD UINT64_C(0x00200000) /* PF_KTHREAD, not in a public header */

/* Numbers of proc_pid_stat(5). */
enum stat_field {
    STAT_PPID = 4,
    STAT_FLAGS = 9,
    STAT_MAJOR_FAULTS = 12,
    STAT_USER = 14,
    STAT_SYSTEM = 15,
    STAT_THREADS = 20,
    STAT_START = 22,
    STAT_RSS = 24,
    STAT_STACK = 28,
    STAT_FIELD_COUNT,
};

/* Fields 4 to 28 at text; false when one is missing. Negative ones (tty, nice) become 0. */
static bool stat_numbers(const char *text, size_t length, uint64_t values[static STAT_FIELD_COUNT])
{
    size_t at = 0;
    for (int field = STAT_PPID; field < STAT_FIELD_COUNT; field++) {
        size_t used;
        if (at >= length || text[at++] != ' ')
            return false;
        bool negative = at < length && text[at] == '-';
        at += negative;
        if (text_scan_u64(text + at, length - at, &values[field], &used) < 0)
            return false;
        if (negative)
            values[field] = 0;
        at += used;
    }
    /* The number must have ended: a file that was cut has no blank behind its last digit. */
    return at < length && text[at] == ' ';
}

static enum outcome stat_fill(const uint64_t values[static STAT_FIELD_COUNT],
                              struct proc_stat *stat)
{
    uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    if (values[STAT_PPID] > INT32_MAX || values[STAT_THREADS] > INT32_MAX ||
        values[STAT_RSS] > (uint64_t)INT64_MAX / page_bytes)
        return OUTCOME_MALFORMED;
    stat->ppid = (pid_t)values[STAT_PPID];
    stat->kernel_thread = values[STAT_FLAGS] & STAT_KTHREAD;
    stat->major_faults = values[STAT_MAJOR_FAULTS];
    stat->user_ticks = values[STAT_USER];
    stat->system_ticks = values[STAT_SYSTEM];
    stat->threads = (uint32_t)values[STAT_THREADS];
    stat->id.start_ticks = values[STAT_START];
    stat->rss_bytes = (int64_t)(values[STAT_RSS] * page_bytes);
    stat->exec_mark = values[STAT_STACK];
    return OUTCOME_OK;
}

enum outcome proc_stat_parse(const char *text, size_t length, struct proc_stat *ret_stat)
{
    uint64_t pid, values[STAT_FIELD_COUNT];
    size_t used;
    if (text_scan_u64(text, length, &pid, &used) < 0 || pid > INT32_MAX)
        return OUTCOME_MALFORMED;
    /* The name is written raw and may hold ") R 1": the last parenthesis is the kernel's. */
    const char *close = memrchr(text, ')', length);
    if (!close || (size_t)(close - text) < used + 2 || memcmp(text + used, " (", 2) != 0)
        return OUTCOME_MALFORMED;
    const char *comm = text + used + 2, *end = text + length;
    if (end - close < 3 || close[1] != ' ')
        return OUTCOME_MALFORMED;
    if (!stat_numbers(close + 3, (size_t)(end - close) - 3, values))
        return OUTCOME_MALFORMED;
    struct proc_stat stat = {.id.pid = (pid_t)pid, .state = close[2]};
    enum outcome outcome = stat_fill(values, &stat);
    if (outcome != OUTCOME_OK)
        return outcome;
    text_clean(stat.comm, sizeof(stat.comm), comm, (size_t)(close - comm));
    *ret_stat = stat;
    return OUTCOME_OK;
}

enum outcome proc_stat_read(int proc, pid_t pid, struct proc_stat *ret_stat)
{
    char text[STAT_SIZE];
    size_t length;
    enum outcome outcome = proc_file_read(proc, pid, "stat", text, sizeof(text), &length);
    if (outcome != OUTCOME_OK)
        return outcome;
    return proc_stat_parse(text, length, ret_stat);
}
