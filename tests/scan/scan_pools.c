/* SPDX-License-Identifier: MIT */
/*
 * scan_pools PID [POOL-BYTES]: scan one process as the probe does, in parts of a few MiB, and print
 * what was found as one line of JSON. With POOL-BYTES the process need not look like CPython.
 * Exit status 0; 1: the error is in the line.
 */
#include "base/clock.h"
#include "engine/probe_pools.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PART_BYTES (UINT64_C(8) << 20)
#define PART_USEC  (10 * USEC_PER_MSEC)

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct probe_pools_scan scan = {.proc = proc,
                                    .pid = (pid_t)strtol(argv[1], NULL, 10),
                                    .pool_bytes =
                                        argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0,
                                    .scan_bytes = PART_BYTES};
    struct probe_pools sum = {0};
    unsigned parts = 0, major = 0, minor = 0;
    int r;
    do {
        scan.until_usec = clock_mono_usec() + PART_USEC;
        r = probe_pools_read(&scan);
        probe_pools_add(&sum, &scan.pools);
        if (parts++ == 0) {
            major = scan.pools.major;
            minor = scan.pools.minor;
        }
        scan.cursor = scan.pools.cursor;
    } while (r == 0 && scan.cursor > 0);
    printf("{\"error\": \"%s\", \"parts\": %u, \"major\": %u, \"minor\": %u, \"pool_bytes\": %u",
           r < 0 ? strerrorname_np(-r) : "", parts, major, minor, scan.pool_bytes);
    printf(", \"used_pools\": %" PRIu64 ", \"free_pools\": %" PRIu64 ", \"blocks\": %" PRIu64,
           sum.used_pools, sum.free_pools, sum.blocks);
    printf(", \"used_bytes\": %" PRIu64 ", \"pinned_bytes\": %" PRIu64 ", \"free_bytes\": %" PRIu64,
           sum.used_bytes, sum.pinned_bytes, sum.free_bytes);
    printf(", \"read_places\": %" PRIu64 ", \"swapped_places\": %" PRIu64
           ", \"missed_places\": %" PRIu64 "}\n",
           sum.read_places, sum.swapped_places, sum.missed_places);
    return r < 0 ? 1 : 0;
}
