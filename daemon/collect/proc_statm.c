/* SPDX-License-Identifier: MIT */
#include "collect/proc_statm.h"

#include "base/text.h"
#include "collect/proc_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Seven numbers of at most 20 digits. */
#define STATM_SIZE 160

enum statm_field { STATM_TOTAL, STATM_RESIDENT, STATM_SHARED, STATM_TEXT, STATM_FIELD_COUNT };

enum outcome proc_statm_parse(const char *text, size_t length, struct proc_statm *ret_statm)
{
    int64_t page_bytes = getpagesize();
    uint64_t values[STATM_FIELD_COUNT];
    size_t at = 0;
    for (int field = 0; field < STATM_FIELD_COUNT; field++) {
        size_t used;
        if (text_scan_u64(text + at, length - at, &values[field], &used) < 0)
            return OUTCOME_MALFORMED;
        at += used;
        /* A number must have ended: a file that was cut has no blank behind its last digit. */
        if (at >= length || text[at++] != ' ')
            return OUTCOME_MALFORMED;
    }
    if (values[STATM_RESIDENT] > (uint64_t)(INT64_MAX / page_bytes))
        return OUTCOME_MALFORMED;
    *ret_statm = (struct proc_statm){.rss_bytes = (int64_t)values[STATM_RESIDENT] * page_bytes,
                                     .text_pages = values[STATM_TEXT]};
    return OUTCOME_OK;
}

enum outcome proc_statm_open(int proc, pid_t pid, int *ret_fd)
{
    char path[PROC_PATH_SIZE];
    proc_path(pid, "statm", path);
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return outcome_of_process(-errno);
    *ret_fd = fd;
    return OUTCOME_OK;
}

enum outcome proc_statm_read(int fd, struct proc_statm *ret_statm)
{
    char text[STATM_SIZE];
    ssize_t n = pread(fd, text, sizeof(text), 0);
    if (n < 0)
        return outcome_of_process(-errno);
    return proc_statm_parse(text, (size_t)n, ret_statm);
}
