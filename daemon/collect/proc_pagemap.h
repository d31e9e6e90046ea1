/* SPDX-License-Identifier: MIT */
/*
 * PID/pagemap: which pages of a range are in memory, so that nobody reads the others: that would
 * swap them in, or make the kernel give memory to a process that never used it; and which of them
 * no other process maps. The kernel takes the mmap lock of the process for 2 MiB of addresses at a
 * time. Where pages are is hidden without CAP_SYS_ADMIN, the rest is not. The file belongs
 * to the owner of the process, mode 0400: for the processes of others it takes CAP_DAC_READ_SEARCH
 * beside CAP_SYS_PTRACE. Any thread.
 */
#ifndef MEMTEND_COLLECT_PROC_PAGEMAP_H
#define MEMTEND_COLLECT_PROC_PAGEMAP_H

#include "collect/outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* 64 KiB a read, as measured to hold the process up the least for what it tells: 32 MiB of
 * addresses. */
#define PROC_PAGEMAP_PAGES 8192

/* The one ioctl() that is called here. */
#define PROC_PAGEMAP_SCAN UINT32_C(0xc0606610)

enum proc_page {
    PROC_PAGE_ABSENT,  /* never used, or given back */
    PROC_PAGE_PRESENT, /* in memory */
    PROC_PAGE_SWAPPED,
};

/* -1 in *ret_fd is never given; the caller closes it. OUTCOME_DENIED: see above. */
enum outcome proc_pagemap_open(int proc, pid_t pid, int *ret_fd);

/* The words of `pages` pages from page number `first` on; fewer at the end of the address space,
 * or when the process has ended (OUTCOME_GONE). */
enum outcome proc_pagemap_read(int fd, uint64_t first, size_t pages, uint64_t *words,
                               size_t *ret_pages);

enum proc_page proc_pagemap_page(uint64_t word);
/* In memory and mapped once in all: what smaps counts as Private (Linux 4.2 and later). */
bool proc_pagemap_is_exclusive(uint64_t word);
/* Bytes of the range that are mapped by huge pages (Linux 6.7 and later); -1: not told. Empty
 * ranges will do to find out. */
int64_t proc_pagemap_huge(int fd, uint64_t start, uint64_t end);
/* In memory, and neither of a file nor of shared memory (Linux 3.5 and later). */
bool proc_pagemap_is_anonymous(uint64_t word);

#endif
