/* SPDX-License-Identifier: MIT */
/*
 * PID/maps: the ranges of a process's address space, one line each, read in pieces: a process may
 * have tens of thousands. Needs the same uid or CAP_SYS_PTRACE. The read takes the mmap lock of
 * the process for about a page of text at a time. Any thread.
 */
#ifndef MEMTEND_COLLECT_PROC_MAPS_H
#define MEMTEND_COLLECT_PROC_MAPS_H

#include "collect/outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Names are at most a path of 4096 bytes, of which a newline is written as four. */
#define PROC_MAPS_BUFFER_SIZE 20480

struct proc_mapping {
    uint64_t start, end; /* [start, end), end > start */
    bool readable, writable, executable, shared;
    uint64_t inode;   /* 0: anonymous, or of the kernel */
    const char *name; /* inside the line, not ended by NUL: a path, "[heap]", or empty */
    size_t name_length;
};

struct proc_maps {
    int fd;
    size_t taken, length; /* [taken, length) of text is not yet looked at */
    bool ended;           /* the kernel has no more */
    char text[PROC_MAPS_BUFFER_SIZE];
};

enum outcome proc_maps_open(int proc, pid_t pid, struct proc_maps *maps);
/* The same with a file that is open already; takes it. */
void proc_maps_start(struct proc_maps *maps, int fd);
void proc_maps_close(struct proc_maps *maps);
/* The next one; false at the end, or when it cannot be read any more. The name is good until the
 * next call. Lines that are not what the kernel documents are passed over. */
bool proc_maps_next(struct proc_maps *maps, struct proc_mapping *ret_mapping);

/* One line without its newline; pure. False: not what the kernel documents. */
bool proc_maps_parse(const char *line, size_t length, struct proc_mapping *ret_mapping);

/*
 * Private, anonymous, readable and writable, and not the heap or a stack that the kernel names:
 * where a runtime that maps its memory itself has it. Ranges that the process gave a name of its
 * own ("[anon:...]") are among them.
 */
bool proc_maps_is_private_memory(const struct proc_mapping *mapping);

#endif
