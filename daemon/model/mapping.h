/* SPDX-License-Identifier: MIT */
/*
 * One range of a process's address space with what the kernel counts of it (PID/smaps, proc(5)).
 * Filled by collect/proc_smaps or collect/proc_pages, read by heap/layers. Plain data.
 */
#ifndef MEMTEND_MODEL_MAPPING_H
#define MEMTEND_MODEL_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mapping {
    uint64_t start, end; /* [start, end), end > start */
    bool readable, writable, executable, shared;
    uint64_t inode;   /* 0: anonymous, or of the kernel */
    const char *name; /* not ended by NUL: a path, "[heap]", or empty; the reader's, raw bytes */
    size_t name_length;
    /* Bytes; -1 where this kernel does not tell. */
    int64_t rss;           /* always told */
    int64_t pss;           /* always told by smaps, never by pagemap */
    int64_t private_bytes; /* Private_Clean + Private_Dirty: USS; always told */
    int64_t anonymous;     /* of rss */
    int64_t huge;          /* of rss: AnonHugePages + ShmemPmdMapped + FilePmdMapped */
    int64_t swap;          /* always told */
    int64_t swap_pss;
};

#endif
