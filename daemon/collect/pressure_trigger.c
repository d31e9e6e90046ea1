/* SPDX-License-Identifier: MIT */
#include "collect/pressure_trigger.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

int pressure_trigger_open(int proc, const struct pressure_trigger *trigger, int *ret_fd)
{
    char text[64];
    int length =
        snprintf(text, sizeof(text), "%s %" PRIu64 " %" PRIu64, trigger->full ? "full" : "some",
                 trigger->stall_usec, trigger->window_usec);
    _cleanup_(closep) int fd =
        openat(proc, "pressure/memory", O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    /* With its NUL, as the kernel wants it; in one write. */
    ssize_t written = write(fd, text, (size_t)length + 1);
    if (written < 0)
        return -errno;
    if (written != length + 1)
        return -EIO;
    *ret_fd = STEAL_FD(fd);
    return 0;
}
