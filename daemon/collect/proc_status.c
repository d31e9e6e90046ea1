/* SPDX-License-Identifier: MIT */
#include "collect/proc_status.h"

#include "collect/keyed.h"
#include "collect/proc_file.h"

#include <string.h>

/* 1.4 KiB on a usual kernel; the list of groups may add some. What is cut is absent. */
#define STATUS_SIZE 8192

/* The switches are in the last lines of the file, behind half a kilobyte that is of no use here;
 * those and what may follow them (x86_Thread_features) have room in this. */
#define STATUS_TAIL 256

enum status_key {
    STATUS_UID,
    STATUS_FIRST_FIELD,
    STATUS_KEY_COUNT = STATUS_FIRST_FIELD + PROC_STATUS_FIELD_COUNT,
};

static const char *const status_keys[STATUS_KEY_COUNT] = {
    [STATUS_UID] = "Uid",
    [STATUS_FIRST_FIELD + PROC_STATUS_PEAK] = "VmHWM",
    [STATUS_FIRST_FIELD + PROC_STATUS_RSS] = "VmRSS",
    [STATUS_FIRST_FIELD + PROC_STATUS_ANON] = "RssAnon",
    [STATUS_FIRST_FIELD + PROC_STATUS_FILE] = "RssFile",
    [STATUS_FIRST_FIELD + PROC_STATUS_SHMEM] = "RssShmem",
    [STATUS_FIRST_FIELD + PROC_STATUS_SWAP] = "VmSwap",
};

static const char *const switch_keys[] = {"voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"};

/* METRIC_COUNT: not sampled. */
static const enum metric status_metrics[PROC_STATUS_FIELD_COUNT] = {
    [PROC_STATUS_RSS] = METRIC_COUNT,   [PROC_STATUS_PEAK] = METRIC_PEAK_RSS,
    [PROC_STATUS_ANON] = METRIC_ANON,   [PROC_STATUS_FILE] = METRIC_FILE,
    [PROC_STATUS_SHMEM] = METRIC_SHMEM, [PROC_STATUS_SWAP] = METRIC_SWAP,
};

/* 0 when not told. */
static uint64_t status_switches(const char *text, size_t length)
{
    int64_t values[2];
    if (length > STATUS_TAIL) {
        const char *tail = text + length - STATUS_TAIL;
        const char *newline = memchr(tail, '\n', STATUS_TAIL);
        if (!newline)
            return 0;
        length = (size_t)(text + length - newline) - 1;
        text = newline + 1;
    }
    if (keyed_parse(text, length, switch_keys, 2, values) != 3)
        return 0;
    return (uint64_t)values[0] + (uint64_t)values[1];
}

enum outcome proc_status_parse(const char *text, size_t length, struct proc_status *ret_status)
{
    int64_t values[STATUS_KEY_COUNT];
    uint32_t present = keyed_parse(text, length, status_keys, STATUS_KEY_COUNT, values);
    if (!(present >> STATUS_UID & 1) || values[STATUS_UID] > UINT32_MAX)
        return OUTCOME_MALFORMED;
    struct proc_status status = {.uid = (uid_t)values[STATUS_UID],
                                 .switches = status_switches(text, length),
                                 .present = present >> STATUS_FIRST_FIELD};
    for (int field = 0; field < PROC_STATUS_FIELD_COUNT; field++)
        if (status.present >> field & 1)
            status.bytes[field] = values[STATUS_FIRST_FIELD + field];
    *ret_status = status;
    return OUTCOME_OK;
}

enum outcome proc_status_read(int proc, pid_t pid, struct proc_status *ret_status)
{
    char text[STATUS_SIZE];
    size_t length;
    enum outcome outcome = proc_file_read(proc, pid, "status", text, sizeof(text), &length);
    if (outcome != OUTCOME_OK)
        return outcome;
    return proc_status_parse(text, length, ret_status);
}

void proc_status_sample(const struct proc_status *status, uint64_t mono_usec, struct sample *sample)
{
    for (int field = 0; field < PROC_STATUS_FIELD_COUNT; field++) {
        if (status_metrics[field] == METRIC_COUNT)
            continue;
        if (status->present >> field & 1)
            sample_set(sample, status_metrics[field], status->bytes[field], mono_usec);
        else
            sample_clear(sample, status_metrics[field]);
    }
}
