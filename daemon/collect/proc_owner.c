/* SPDX-License-Identifier: MIT */
#include "collect/proc_owner.h"

#include "base/text.h"
#include "collect/proc_file.h"
#include "collect/proc_stat.h"

#include <string.h>

/* The line is behind a name of at most 64 bytes and seven short lines. */
#define OWNER_SIZE 1024
#define OWNER_UIDS 4

/* "Uid:\t1000\t1000\t1000\t1000"; a newline in the name before it is written as two letters. */
bool proc_owner_is(const char *text, size_t length, uid_t uid)
{
    static const char key[] = "\nUid:";
    const char *end = text + length, *at = memmem(text, length, key, sizeof(key) - 1);
    if (!at)
        return false;
    at += sizeof(key) - 1;
    for (int i = 0; i < OWNER_UIDS; i++) {
        uint64_t value;
        size_t used;
        if (at == end || *at++ != '\t' ||
            text_scan_u64(at, (size_t)(end - at), &value, &used) < 0 || value != uid)
            return false;
        at += used;
    }
    return at < end && *at == '\n'; /* not cut within the last one */
}

static bool is_there(int proc, struct process_id id)
{
    struct proc_stat stat;
    return proc_stat_read(proc, id.pid, &stat) == OUTCOME_OK && process_id_equal(stat.id, id);
}

enum proc_owner proc_owner_check(int proc, struct process_id id, uid_t uid)
{
    char text[OWNER_SIZE];
    size_t length;
    enum outcome outcome = proc_file_read(proc, id.pid, "status", text, sizeof(text), &length);
    /* Behind the reading: there since it started, so the file was its own. */
    if (outcome == OUTCOME_GONE || !is_there(proc, id))
        return PROC_OWNER_GONE;
    return outcome == OUTCOME_OK && proc_owner_is(text, length, uid) ? PROC_OWNER_SAME
                                                                     : PROC_OWNER_OTHER;
}
