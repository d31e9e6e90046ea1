/* SPDX-License-Identifier: MIT */
/*
 * How a reading of a kernel file ended. Everything but OUTCOME_OK means: no value at all, never a
 * part of one. Constant data, any thread.
 */
#ifndef MEMTEND_COLLECT_OUTCOME_H
#define MEMTEND_COLLECT_OUTCOME_H

enum outcome {
    OUTCOME_OK,
    OUTCOME_GONE,      /* the process has ended, or has no memory of its own any more */
    OUTCOME_DENIED,    /* it is there, we may not read it */
    OUTCOME_ABSENT,    /* this kernel does not have the file, or has it switched off */
    OUTCOME_MALFORMED, /* not what the kernel documents: nothing of it is used */
    OUTCOME_FAILED,    /* our own want: descriptors, memory, an interrupted system call */
    OUTCOME_COUNT,
};

/* For a file of a process, where ENOENT and ESRCH mean that it is gone. error is -errno or 0. */
enum outcome outcome_of_process(int error);
/* For a file of the host, where ENOENT means that the kernel does not have it. */
enum outcome outcome_of_host(int error);

#endif
