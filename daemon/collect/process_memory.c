/* SPDX-License-Identifier: MIT */
#include "collect/process_memory.h"

#include <errno.h>
#include <sys/uio.h>

/* One call from piece `first` on; how many came, or -errno. */
static ssize_t memory_read_from(pid_t pid, const struct iovec *remote, size_t first, size_t count,
                                size_t size, unsigned char *bytes)
{
    struct iovec local = {.iov_base = bytes + first * size, .iov_len = (count - first) * size};
    ssize_t n = process_vm_readv(pid, &local, 1, remote + first, count - first, 0);
    return n < 0 ? -errno : n / (ssize_t)size;
}

enum outcome process_memory_read(pid_t pid, const uint64_t *addresses, size_t count, size_t size,
                                 unsigned char *bytes, bool *ret_read)
{
    struct iovec remote[PROCESS_MEMORY_PIECES];
    for (size_t i = 0; i < count; i++) {
        /* Addresses of another process are numbers here, never pointers. */
        remote[i] = (struct iovec){.iov_base = (void *)(uintptr_t)addresses[i], .iov_len = size};
        ret_read[i] = false;
    }
    /* The kernel stops at the first piece that it cannot read: go on behind it. */
    for (size_t next = 0; next < count; next++) {
        ssize_t came = memory_read_from(pid, remote, next, count, size, bytes);
        if (came < 0 && came != -EFAULT)
            return outcome_of_process((int)came);
        for (; came > 0; came--)
            ret_read[next++] = true;
    }
    return OUTCOME_OK;
}
