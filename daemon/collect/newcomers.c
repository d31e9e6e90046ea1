/* SPDX-License-Identifier: MIT */
#include "collect/newcomers.h"

#include "base/text.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* "0.20 0.18 0.12 1/80 11206" */
#define LOADAVG_SIZE 128

/* Does this /proc count as we do? Then "self" is the number that we know of ourselves. */
static bool newcomers_same_numbers(int proc)
{
    char self[24];
    uint64_t pid;
    ssize_t n = readlinkat(proc, "self", self, sizeof(self) - 1);
    if (n <= 0)
        return false;
    self[n] = '\0';
    return text_parse_u64(self, &pid) == 0 && pid == (uint64_t)getpid();
}

/* A descriptor can be had of a process only, not of a thread of one. */
static bool newcomers_is_process(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

void newcomers_init(struct newcomers *newcomers, int proc)
{
    *newcomers = (struct newcomers){.loadavg = -1};
    /* Without pidfd_open (Linux 5.3, or a filter) a new thread could not be told from a process. */
    if (newcomers_same_numbers(proc) && newcomers_is_process(getpid()))
        newcomers->loadavg = openat(proc, "loadavg", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

void newcomers_finish(struct newcomers *newcomers)
{
    if (newcomers->loadavg >= 0)
        close(newcomers->loadavg);
    newcomers->loadavg = -1;
}

/* 0 when it cannot be told. */
static pid_t newcomers_last(const struct newcomers *newcomers)
{
    char text[LOADAVG_SIZE];
    uint64_t pid;
    size_t used;
    ssize_t n = newcomers->loadavg < 0 ? -1 : pread(newcomers->loadavg, text, sizeof(text), 0);
    const char *blank = n > 0 ? memrchr(text, ' ', (size_t)n) : NULL;
    if (!blank)
        return 0;
    const char *digits = blank + 1;
    if (text_scan_u64(digits, (size_t)(text + n - digits), &pid, &used) < 0 || pid > INT32_MAX)
        return 0;
    return (pid_t)pid;
}

enum newcomers_result newcomers_read(struct newcomers *newcomers, size_t limit, pid_t *pids,
                                     size_t *ret_count)
{
    pid_t before = newcomers->earlier, last = newcomers_last(newcomers);
    if (before != 0 && newcomers->last - before > NEWCOMERS_TWICE)
        before = newcomers->last - NEWCOMERS_TWICE;
    newcomers->earlier = newcomers->last;
    newcomers->last = last;
    if (before == 0 || last < before || (size_t)(last - before) > limit)
        return NEWCOMERS_LIST;
    size_t count = 0;
    for (pid_t pid = before + 1; pid <= last; pid++)
        if (newcomers_is_process(pid))
            pids[count++] = pid;
    *ret_count = count;
    return NEWCOMERS_KNOWN;
}
