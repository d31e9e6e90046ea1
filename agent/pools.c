/* SPDX-License-Identifier: MIT */
#include "pools.h"

#include "base/clock.h"
#include "collect/proc_maps.h"
#include "collect/proc_pagemap.h"
#include "collect/process_memory.h"
#include "gil.h"
#include "heap/cpython.h"
#include "heap/pool.h"
#include "python.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436 /* the same on all architectures */
#endif
#define POOLS_UNSHARE 2 /* CLOSE_RANGE_UNSHARE of linux/close_range.h */

/* 64 MiB of addresses a question. */
#define POOLS_PAGES 16384
/* Between two calls that take the mmap lock; see process_memory.h. */
#define POOLS_PAUSE_NSEC (500 * 1000L)
/* About 30 GiB of pools; a daemon that waits longer calls the agent silent. */
#define POOLS_LIMIT_USEC (1 * USEC_PER_SEC)

_Static_assert(CONTROL_CLASSES_MAX == POOL_CLASSES, "every size class has its place on the wire");

static struct {
    uint32_t bytes; /* of a pool; 0: this interpreter has none that we know */
    uint64_t page_bytes;
} pools;

/* Mapped for one reading, so that an agent at rest weighs nothing for it. */
struct pools_scratch {
    struct proc_maps maps;
    unsigned char resident[POOLS_PAGES]; /* lowest bit, as mincore(2) says it */
    uint64_t words[POOLS_PAGES];         /* as pagemap does */
    uint64_t addresses[PROCESS_MEMORY_PIECES];
    unsigned char heads[PROCESS_MEMORY_PIECES * POOL_HEAD_SIZE];
    bool read[PROCESS_MEMORY_PIECES];
    struct pool_tally tally;
    size_t count; /* addresses that wait to be read */
    uint64_t deadline_usec;
    /* Under a filter of system calls, which may kill for those that hardly a program makes
     * (mincore() is in no group of systemd's): /proc/self/pagemap and mem. Else -1. */
    int pagemap, memory;
    bool partial;
    bool seen;    /* some place could be read */
    bool refused; /* what is resident is not told to us: a filter of system calls */
};

void pools_identify(void)
{
    struct cpython version;
    /* An empty range is refused by every kernel that knows the call. */
    bool known = syscall(SYS_close_range, ~0U, 0U, 0) < 0 && errno == EINVAL;
    if (!known || !cpython_of_runtime(python_runtime(), &version))
        return;
    pools.bytes = pool_bytes_of_version(version.major, version.minor);
    pools.page_bytes = (uint64_t)getauxval(AT_PAGESZ);
}

bool pools_can_be_read(void)
{
    return pools.bytes > 0 && python_is_supported();
}

/* The interpreter forks or ends, or time is up. */
static bool pools_must_stop(const struct pools_scratch *scratch)
{
    return gil_is_paused() || gil_is_closed() || clock_mono_usec() >= scratch->deadline_usec;
}

static ssize_t pools_pread(int fd, void *into, size_t bytes, uint64_t offset)
{
    return (ssize_t)syscall(SYS_pread64, fd, into, bytes, offset);
}

static void pools_read_heads(struct pools_scratch *scratch)
{
    if (scratch->memory >= 0) {
        for (size_t i = 0; i < scratch->count; i++)
            scratch->read[i] = pools_pread(scratch->memory, scratch->heads + i * POOL_HEAD_SIZE,
                                           POOL_HEAD_SIZE, scratch->addresses[i]) == POOL_HEAD_SIZE;
    } else if (process_memory_read(getpid(), scratch->addresses, scratch->count, POOL_HEAD_SIZE,
                                   scratch->heads, scratch->read) != OUTCOME_OK) {
        memset(scratch->read, 0, sizeof(scratch->read));
    }
}

static void pools_flush(struct pools_scratch *scratch)
{
    if (scratch->count == 0)
        return;
    pools_read_heads(scratch);
    for (size_t i = 0; i < scratch->count; i++) {
        struct pool_head head;
        const unsigned char *bytes = scratch->heads + i * POOL_HEAD_SIZE;
        scratch->seen |= scratch->read[i];
        if (!scratch->read[i])
            scratch->partial = true;
        else if (pool_head_parse(bytes, scratch->addresses[i], pools.bytes, &head))
            pool_tally_add(&scratch->tally, scratch->addresses[i], pools.bytes, &head);
    }
    scratch->count = 0;
    struct timespec pause = {.tv_nsec = POOLS_PAUSE_NSEC};
    nanosleep(&pause, NULL);
}

/* The places in [start, end), of which scratch->resident tells. */
static void pools_take_pages(struct pools_scratch *scratch, uint64_t start, uint64_t end)
{
    uint64_t first = (start + pools.bytes - 1) / pools.bytes * pools.bytes;
    for (uint64_t at = first; at < end; at += pools.bytes) {
        if (!(scratch->resident[(at - start) / pools.page_bytes] & 1))
            continue;
        scratch->addresses[scratch->count++] = at;
        if (scratch->count == PROCESS_MEMORY_PIECES)
            pools_flush(scratch);
    }
}

/* 0 or -errno. */
static int pools_see_resident(struct pools_scratch *scratch, uint64_t start, uint64_t bytes)
{
    size_t pages = bytes / pools.page_bytes, size = pages * sizeof(scratch->words[0]);
    if (scratch->pagemap < 0)
        return syscall(SYS_mincore, start, bytes, scratch->resident) < 0 ? -errno : 0;
    ssize_t n = pools_pread(scratch->pagemap, scratch->words, size,
                            start / pools.page_bytes * sizeof(scratch->words[0]));
    if (n != (ssize_t)size)
        return n < 0 ? -errno : -EIO;
    for (size_t i = 0; i < pages; i++)
        scratch->resident[i] = proc_pagemap_page(scratch->words[i]) == PROC_PAGE_PRESENT;
    return 0;
}

static void pools_take_mapping(struct pools_scratch *scratch, uint64_t start, uint64_t end)
{
    while (start < end && !pools_must_stop(scratch)) {
        uint64_t bytes = end - start;
        if (bytes > POOLS_PAGES * pools.page_bytes)
            bytes = POOLS_PAGES * pools.page_bytes;
        /* Gone in the meantime: then so are its pools. */
        int r = pools_see_resident(scratch, start, bytes);
        if (r == 0)
            pools_take_pages(scratch, start, start + bytes);
        else if (r != -ENOMEM)
            scratch->refused = true;
        start += bytes;
    }
}

static void pools_scan(struct pools_scratch *scratch)
{
    struct proc_mapping mapping;
    scratch->deadline_usec = clock_mono_usec() + POOLS_LIMIT_USEC;
    while (proc_maps_next(&scratch->maps, &mapping) && !pools_must_stop(scratch))
        if (proc_maps_is_private_memory(&mapping))
            pools_take_mapping(scratch, mapping.start, mapping.end);
    pools_flush(scratch);
    scratch->partial |= pools_must_stop(scratch);
}

static uint32_t pools_clip(uint64_t number)
{
    return number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

static void pools_tell(const struct pools_scratch *scratch, struct control_stats *stats)
{
    const struct pool_tally *tally = &scratch->tally;
    stats->py_arenas = tally->arenas;
    stats->py_pools = tally->used_pools + tally->free_pools;
    stats->py_free_pools = tally->free_pools;
    stats->py_used_bytes = tally->used_bytes;
    stats->py_pinned_bytes = tally->pinned_bytes;
    stats->py_free_bytes = tally->free_bytes;
    stats->py_class_pools.count = stats->py_class_blocks.count = POOL_CLASSES;
    for (size_t i = 0; i < POOL_CLASSES; i++) {
        stats->py_class_pools.values[i] = pools_clip(tally->classes[i].pools);
        stats->py_class_blocks.values[i] = pools_clip(tally->classes[i].blocks);
    }
    stats->py_partial = scratch->partial;
    stats->has |= CONTROL_HAS_PY_POOLS | CONTROL_HAS_PY_ARENAS | CONTROL_HAS_PY_PARTIAL;
}

static int pools_open(const char *path)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Our own descriptor table, empty: the thread ends with its job, and the table with it. */
static int pools_open_maps(void)
{
    if (syscall(SYS_close_range, 0U, ~0U, POOLS_UNSHARE) < 0)
        return -errno;
    return pools_open("/proc/self/maps");
}

/* How the rest is read. False: not at all. */
static bool pools_choose_way(struct pools_scratch *scratch)
{
    scratch->pagemap = scratch->memory = -1;
    if (syscall(SYS_prctl, PR_GET_SECCOMP, 0, 0, 0, 0) == 0)
        return true;
    scratch->pagemap = pools_open("/proc/self/pagemap");
    scratch->memory = pools_open("/proc/self/mem");
    return scratch->pagemap >= 0 && scratch->memory >= 0;
}

void pools_stat(const struct job_request *request, struct job_result *result)
{
    (void)request;
    uint64_t begin = clock_thread_usec();
    int fd = pools_open_maps();
    struct pools_scratch *scratch = fd < 0 ? MAP_FAILED
                                           : mmap(NULL, sizeof(*scratch), PROT_READ | PROT_WRITE,
                                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (scratch == MAP_FAILED) {
        result->result = CONTROL_RESULT_FAILED; /* the table is closed when this thread ends */
        return;
    }
    proc_maps_start(&scratch->maps, fd);
    bool readable = pools_choose_way(scratch);
    if (readable)
        pools_scan(scratch);
    if (!readable || scratch->refused || (scratch->partial && !scratch->seen))
        result->result = CONTROL_RESULT_FAILED; /* not known, which is not none */
    else
        pools_tell(scratch, &result->stats);
    proc_maps_close(&scratch->maps);
    munmap(scratch, sizeof(*scratch));
    result->stats.pools_usec = clock_thread_usec() - begin;
}
