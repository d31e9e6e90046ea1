/* SPDX-License-Identifier: MIT */
/*
 * Which processes are new, without listing all that there are: the kernel gives pids out in order
 * and says which was the last one (proc_loadavg(5)), so only the numbers given out since the last
 * call need a look, and once more the last of those before: a number is given out a little before
 * its process can be seen. One thread.
 *
 * A process made with a chosen pid (clone3 set_tid, as CRIU does) does not move that number:
 * whoever uses this lists all processes now and then all the same.
 */
#ifndef MEMTEND_COLLECT_NEWCOMERS_H
#define MEMTEND_COLLECT_NEWCOMERS_H

#include <stddef.h>
#include <sys/types.h>

/* More forks than are under way at any moment: each is for some microseconds only. */
#define NEWCOMERS_TWICE 256

struct newcomers {
    int loadavg; /* kept; -1: cannot be told here, every call says NEWCOMERS_LIST */
    /* Given out last at the call before, and at the one before that; 0 = there was none. */
    pid_t last, earlier;
};

enum newcomers_result {
    NEWCOMERS_KNOWN, /* *ret_count of them, perhaps none */
    NEWCOMERS_LIST,  /* list all: the first call, too many numbers, or a wrap */
};

/*
 * proc is /proc; when it shows another pid namespace than ours, or is a recorded tree, numbers
 * mean nothing here and all calls say NEWCOMERS_LIST.
 */
void newcomers_init(struct newcomers *newcomers, int proc);
void newcomers_finish(struct newcomers *newcomers);

/*
 * Processes, not threads, among at most `limit` new numbers, in order; some may be gone by now, and
 * some have been said by the call before.
 */
enum newcomers_result newcomers_read(struct newcomers *newcomers, size_t limit, pid_t *pids,
                                     size_t *ret_count);

#endif
