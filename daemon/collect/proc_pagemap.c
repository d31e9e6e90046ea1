/* SPDX-License-Identifier: MIT */
#include "collect/proc_pagemap.h"

#include "collect/proc_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT   (UINT64_C(1) << 63)
#define PAGEMAP_SWAPPED   (UINT64_C(1) << 62)
#define PAGEMAP_FILE      (UINT64_C(1) << 61)
#define PAGEMAP_EXCLUSIVE (UINT64_C(1) << 56)

/* The same page of documentation; the headers of older systems lack it. */
struct scan_region {
    uint64_t start, end, categories;
};
struct scan_argument {
    uint64_t size, flags, start, end, walk_end;
    uint64_t regions, region_count, max_pages;
    uint64_t inverted, mask, any_of, told;
};
_Static_assert(PROC_PAGEMAP_SCAN == _IOWR('f', 16, struct scan_argument), "PAGEMAP_SCAN");
#define SCAN_HUGE (UINT64_C(1) << 6)
/* No more can be in what one read covers: 16 huge pages of 2 MiB. */
#define SCAN_REGIONS 32

enum outcome proc_pagemap_open(int proc, pid_t pid, int *ret_fd)
{
    char path[PROC_PATH_SIZE];
    proc_path(pid, "pagemap", path);
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return outcome_of_process(-errno);
    *ret_fd = fd;
    return OUTCOME_OK;
}

enum outcome proc_pagemap_read(int fd, uint64_t first, size_t pages, uint64_t *words,
                               size_t *ret_pages)
{
    ssize_t n;
    do
        n = pread(fd, words, pages * sizeof(*words), (off_t)(first * sizeof(*words)));
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return outcome_of_process(-errno);
    /* Without a memory of its own any more the kernel reads as empty. */
    if (n == 0 && pages > 0)
        return OUTCOME_GONE;
    *ret_pages = (size_t)n / sizeof(*words);
    return OUTCOME_OK;
}

enum proc_page proc_pagemap_page(uint64_t word)
{
    if (word & PAGEMAP_PRESENT)
        return PROC_PAGE_PRESENT;
    return word & PAGEMAP_SWAPPED ? PROC_PAGE_SWAPPED : PROC_PAGE_ABSENT;
}

bool proc_pagemap_is_exclusive(uint64_t word)
{
    return (word & PAGEMAP_PRESENT) && (word & PAGEMAP_EXCLUSIVE);
}

bool proc_pagemap_is_anonymous(uint64_t word)
{
    return (word & PAGEMAP_PRESENT) && !(word & PAGEMAP_FILE);
}

int64_t proc_pagemap_huge(int fd, uint64_t start, uint64_t end)
{
    struct scan_region regions[SCAN_REGIONS];
    struct scan_argument argument = {.size = sizeof(argument),
                                     .start = start,
                                     .end = end,
                                     .regions = (uint64_t)(uintptr_t)regions,
                                     .region_count = SCAN_REGIONS,
                                     .mask = SCAN_HUGE,
                                     .told = SCAN_HUGE};
    int count = ioctl(fd, PROC_PAGEMAP_SCAN, &argument);
    if (count < 0)
        return -1;
    int64_t bytes = 0;
    for (int i = 0; i < count; i++)
        bytes += (int64_t)(regions[i].end - regions[i].start);
    return bytes;
}
