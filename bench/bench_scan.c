/* SPDX-License-Identifier: MIT */
/*
 * The scan for pools from outside: what it costs for each MiB of the process that is looked at, and
 * how long it holds that process up. The anchor is a raw process_vm_readv() of the same heads,
 * whose addresses are known, 1,024 a call and without pause. The process is a child with pools of
 * both sizes. It sleeps while the cost is measured; for the stall it does nothing but map, touch
 * and unmap, and notes its slowest turn. Rounds of all alternate; medians over the rounds, one JSON
 * line per size of pool. Cost is CPU time, nearly all of it the kernel's; beside it the time
 * without pauses, which on a busy machine includes waiting for a core, and the time with them.
 */
#include "base/clock.h"
#include "engine/probe_pools.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB        ((size_t)1 << 20)
#define BYTES      (256 * MIB) /* of pools of each size */
#define ROUNDS     9
#define RAW_PIECES 1024
#define TURN_BYTES (64 * (size_t)1024)
/* As the head asks for them. */
#define PART_BYTES (16 * MIB)
#define PART_USEC  (20 * USEC_PER_MSEC)

/* Written by the child, read and reset by us. */
static struct shared {
    _Atomic int ready, turning;
    _Atomic uint64_t slowest_nsec;
} * shared;

struct bench {
    pid_t child;
    int proc;
    uint32_t pool_bytes;
    unsigned char *memory; /* an address in the child; here it is not touched */
};

enum kind { RAW, SCAN, QUIET_TURNING, RAW_TURNING, SCAN_TURNING, KINDS };

struct result {
    double cpu_msec, busy_msec, wall_msec, stall_usec;
};

static uint64_t now_nsec(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof(values[0]), compare);
    return values[ROUNDS / 2];
}

/* --- the child --- */

/* Used pools with one of their blocks of 512 bytes free, every page touched. */
static void child_fill(const struct bench *bench)
{
    uint32_t capacity = (bench->pool_bytes - POOL_HEAD_SIZE) / 512;
    memset(bench->memory, 1, BYTES);
    for (size_t i = 0; i < BYTES; i += bench->pool_bytes) {
        unsigned char *pool = bench->memory + i;
        const uint32_t numbers[] = {(uint32_t)(i / MIB), 31, POOL_HEAD_SIZE + capacity * 512,
                                    bench->pool_bytes - 512};
        const uint64_t count = capacity - 1;
        const uint64_t free_block = (uint64_t)(uintptr_t)pool + POOL_HEAD_SIZE;
        memcpy(pool, &count, sizeof(count));
        memcpy(pool + 8, &free_block, sizeof(free_block));
        memcpy(pool + 32, numbers, sizeof(numbers));
    }
}

static void child_turn(void)
{
    uint64_t begun = now_nsec(CLOCK_MONOTONIC);
    unsigned char *memory =
        mmap(NULL, TURN_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        _exit(1);
    memory[0] = 1;
    munmap(memory, TURN_BYTES);
    uint64_t took = now_nsec(CLOCK_MONOTONIC) - begun;
    if (took > atomic_load(&shared->slowest_nsec))
        atomic_store(&shared->slowest_nsec, took);
}

static void child_run(const struct bench *benches, size_t count)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < count; i++)
        child_fill(&benches[i]);
    atomic_store(&shared->ready, 1);
    for (;;) {
        if (atomic_load(&shared->turning))
            child_turn();
        else
            usleep(1000);
    }
}

/* --- what is measured --- */

static int run_quiet(const struct bench *bench, double *ret_paused_msec)
{
    (void)bench;
    struct timespec pause = {.tv_nsec = 200 * 1000 * 1000};
    nanosleep(&pause, NULL);
    *ret_paused_msec = 200;
    return 0;
}

static int run_raw(const struct bench *bench, double *ret_paused_msec)
{
    static unsigned char heads[RAW_PIECES * POOL_HEAD_SIZE];
    struct iovec remote[RAW_PIECES], local = {.iov_base = heads, .iov_len = sizeof(heads)};
    *ret_paused_msec = 0;
    for (size_t i = 0; i < BYTES;) {
        size_t count = 0;
        for (; count < RAW_PIECES && i < BYTES; count++, i += bench->pool_bytes)
            remote[count] =
                (struct iovec){.iov_base = bench->memory + i, .iov_len = POOL_HEAD_SIZE};
        local.iov_len = count * POOL_HEAD_SIZE;
        if (process_vm_readv(bench->child, &local, 1, remote, count, 0) != (ssize_t)local.iov_len)
            return -1;
    }
    return 0;
}

/* Both sizes of pools lie in the child: only one is found, but all heads of that stride are read.
 */
static int run_scan(const struct bench *bench, double *ret_paused_msec)
{
    struct probe_pools_scan scan = {.proc = bench->proc,
                                    .pid = bench->child,
                                    .pool_bytes = bench->pool_bytes,
                                    .scan_bytes = PART_BYTES};
    uint64_t pools = 0, paused_usec = 0;
    do {
        scan.until_usec = clock_mono_usec() + PART_USEC;
        if (probe_pools_read(&scan) < 0)
            return -1;
        pools += scan.pools.used_pools;
        paused_usec += scan.paused_usec;
        scan.cursor = scan.pools.cursor;
    } while (scan.cursor > 0);
    *ret_paused_msec = (double)paused_usec / 1000;
    return pools == BYTES / bench->pool_bytes ? 0 : -1;
}

static const struct {
    int (*run)(const struct bench *bench, double *ret_paused_msec);
    bool turning;
} kinds[KINDS] = {
    [RAW] = {run_raw, false},
    [SCAN] = {run_scan, false},
    [QUIET_TURNING] = {run_quiet, true},
    [RAW_TURNING] = {run_raw, true},
    [SCAN_TURNING] = {run_scan, true},
};

static int measure(const struct bench *bench, enum kind kind, struct result *ret_result)
{
    double paused;
    atomic_store(&shared->turning, kinds[kind].turning);
    usleep(5000); /* it wakes, or comes to rest */
    atomic_store(&shared->slowest_nsec, 0);
    uint64_t begun = now_nsec(CLOCK_MONOTONIC), cpu = now_nsec(CLOCK_PROCESS_CPUTIME_ID);
    if (kinds[kind].run(bench, &paused) < 0)
        return -1;
    ret_result->cpu_msec = (double)(now_nsec(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e6;
    ret_result->wall_msec = (double)(now_nsec(CLOCK_MONOTONIC) - begun) / 1e6;
    ret_result->busy_msec = ret_result->wall_msec - paused;
    ret_result->stall_usec = (double)atomic_load(&shared->slowest_nsec) / 1000;
    return 0;
}

static double median_of(struct result results[ROUNDS], size_t offset)
{
    double values[ROUNDS];
    for (int round = 0; round < ROUNDS; round++)
        memcpy(&values[round], (const char *)&results[round] + offset, sizeof(double));
    return median(values);
}

static int bench_size(const struct bench *bench)
{
    static struct result results[KINDS][ROUNDS];
    for (int round = -1; round < ROUNDS; round++) /* one to warm up */
        for (enum kind kind = 0; kind < KINDS; kind++)
            if (measure(bench, kind, &results[kind][round < 0 ? 0 : round]) < 0)
                return -1;
    /* The scan meets the pools of the other size as well: their places are read and refused. */
    double scanned = 2.0 * BYTES / MIB, raw = (double)BYTES / MIB;
    double cost = median_of(results[SCAN], offsetof(struct result, cpu_msec)) / scanned;
    double anchor = median_of(results[RAW], offsetof(struct result, cpu_msec)) / raw;
    printf("{\"bench\": \"scan\", \"figure\": \"pools_of_%u\", \"rounds\": %d, "
           "\"msec_per_mib\": %.4f, \"target_msec_per_mib\": 0.25, \"raw_msec_per_mib\": %.4f, "
           "\"ratio_to_raw\": %.2f, \"busy_msec_per_mib\": %.4f, \"wall_msec_per_mib\": %.3f, ",
           bench->pool_bytes, ROUNDS, cost, anchor, cost / anchor,
           median_of(results[SCAN], offsetof(struct result, busy_msec)) / scanned,
           median_of(results[SCAN], offsetof(struct result, wall_msec)) / scanned);
    printf("\"worst_stall_usec\": %.0f, \"worst_stall_raw_usec\": %.0f, "
           "\"worst_stall_without_usec\": %.0f}\n",
           median_of(results[SCAN_TURNING], offsetof(struct result, stall_usec)),
           median_of(results[RAW_TURNING], offsetof(struct result, stall_usec)),
           median_of(results[QUIET_TURNING], offsetof(struct result, stall_usec)));
    return 0;
}

/* At an address that is good for pools of any size. */
static unsigned char *reserve(void)
{
    unsigned char *memory = mmap(NULL, BYTES + POOL_BYTES_NEW, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    /* Small pages, as arenas have. */
    madvise(memory, BYTES + POOL_BYTES_NEW, MADV_NOHUGEPAGE);
    uintptr_t address = (uintptr_t)memory;
    return memory + (POOL_BYTES_NEW - address % POOL_BYTES_NEW) % POOL_BYTES_NEW;
}

int main(void)
{
    struct bench benches[] = {{.pool_bytes = POOL_BYTES_OLD}, {.pool_bytes = POOL_BYTES_NEW}};
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < 2; i++)
        benches[i].memory = reserve();
    if (proc < 0 || shared == MAP_FAILED || !benches[0].memory || !benches[1].memory) {
        perror("bench_scan");
        return 1;
    }
    pid_t child = fork();
    if (child == 0)
        child_run(benches, 2);
    for (unsigned tries = 0; child > 0 && !atomic_load(&shared->ready) && tries < 30000; tries++)
        usleep(1000);
    int r = child > 0 && atomic_load(&shared->ready) ? 0 : -1;
    for (size_t i = 0; r == 0 && i < 2; i++) {
        benches[i].child = child;
        benches[i].proc = proc;
        r = bench_size(&benches[i]);
    }
    if (r < 0)
        fputs("bench_scan: could not scan the child\n", stderr);
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    return r == 0 ? 0 : 1;
}
