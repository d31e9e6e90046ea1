/* SPDX-License-Identifier: MIT */
#include "bench/storage/written.h"

#include "base/file.h"
#include "storage/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t written;

static ssize_t written_count(ssize_t size)
{
    if (size > 0)
        written += (uint64_t)size;
    return size;
}

static ssize_t written_write(int fd, const void *data, size_t size)
{
    return written_count(write(fd, data, size));
}

static ssize_t written_pwrite(int fd, const void *data, size_t size, off_t offset)
{
    return written_count(pwrite(fd, data, size, offset));
}

static ssize_t written_pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    return written_count(pwrite64(fd, data, size, offset));
}

int written_install(void)
{
    /* The first connection configures SQLite; afterwards that would come too late. */
    sqlite3 *first;
    int r = connection_open_memory(&first);
    if (r < 0)
        return r;
    connection_close(first);
    sqlite3_vfs *unix_layer = sqlite3_vfs_find(NULL);
    if (!unix_layer || unix_layer->iVersion < 3 || !unix_layer->xSetSystemCall)
        return -ENOTSUP;
    const struct {
        const char *name;
        sqlite3_syscall_ptr call;
    } calls[] = {{"write", (sqlite3_syscall_ptr)written_write},
                 {"pwrite", (sqlite3_syscall_ptr)written_pwrite},
                 {"pwrite64", (sqlite3_syscall_ptr)written_pwrite64}};
    int found = 0;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        found += unix_layer->xSetSystemCall(unix_layer, calls[i].name, calls[i].call) == SQLITE_OK;
    return found > 0 ? 0 : -ENOTSUP;
}

static uint64_t written_cpu_nsec(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static uint64_t written_by_kernel(void)
{
    char text[512];
    size_t length;
    if (file_read_at(AT_FDCWD, "/proc/self/io", text, sizeof(text), &length) < 0)
        return 0;
    const char *found = strstr(text, "\nwrite_bytes: ");
    return found ? strtoull(found + strlen("\nwrite_bytes: "), NULL, 10) : 0;
}

void meter_begin(struct meter *meter)
{
    meter->begun.kernel_bytes = written_by_kernel();
    meter->begun.written_bytes = written;
    meter->begun.cpu_nsec = written_cpu_nsec();
}

void meter_end(struct meter *meter, size_t ticks)
{
    meter->cpu_nsec += written_cpu_nsec() - meter->begun.cpu_nsec;
    meter->written_bytes += written - meter->begun.written_bytes;
    meter->kernel_bytes += written_by_kernel() - meter->begun.kernel_bytes;
    meter->ticks += ticks;
}
