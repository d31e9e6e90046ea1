/* SPDX-License-Identifier: MIT */
/*
 * The snapshot's way from the loop to the http thread: a few buffers, of which one is current.
 * The loop fills a free one and publishes it; a reader borrows the current one and nobody writes
 * to it until it is released. Buffers are mapped once for max_processes. The lock covers pointers
 * and counts only, never a copy.
 *
 * Each tick publishes host and status. The processes are copied as well while someone looks at
 * them: a reader that needs them and finds none wakes the loop and waits a moment, and for some
 * seconds from then on every tick has them. Without readers they cost neither time nor memory.
 */
#ifndef MEMTEND_ENGINE_PUBLICATION_H
#define MEMTEND_ENGINE_PUBLICATION_H

#include "base/clock.h"
#include "engine/table.h"
#include "model/snapshot.h"

#include <pthread.h>

/* One current, one being filled, one that a slow reader may still hold. */
#define PUBLICATION_BUFFERS 3
/* So long after the last reader of processes every tick has them: pages ask each 1 to 2 s. */
#define PUBLICATION_WANTED_USEC (5 * USEC_PER_SEC)
/* A reader of processes waits for the loop at most so long: a hundred ticks of 10,000. */
#define PUBLICATION_WAIT_USEC (3 * USEC_PER_SEC)

/* Of one process, at most: its texts, and behind them, aligned, what its agent said. */
#define PUBLICATION_TEXT_BYTES                                                                     \
    (PROCESS_NAME_SIZE + PROCESS_UNIT_SIZE + PROCESS_CMDLINE_SIZE + sizeof(struct agent_info) +    \
     _Alignof(struct agent_info))

struct publication {
    pthread_mutex_t lock;     /* over all below but buffers, wake and capacity */
    pthread_cond_t published; /* something whole */
    struct snapshot *current; /* NULL before the first tick */
    unsigned readers[PUBLICATION_BUFFERS];
    bool whole[PUBLICATION_BUFFERS];   /* with processes */
    bool touched[PUBLICATION_BUFFERS]; /* its pages hold processes, perhaps of long ago */
    uint64_t wanted_usec;              /* when processes were asked for last; 0 = never */
    struct snapshot buffers[PUBLICATION_BUFFERS];
    char *texts[PUBLICATION_BUFFERS]; /* of the processes in a buffer, behind each other */
    int wake;                         /* eventfd: readable when a reader waits for processes */
    size_t capacity;                  /* processes in each buffer */
};

int publication_init(struct publication *publication, size_t capacity);
void publication_finish(struct publication *publication);

/* Loop: a buffer that nobody reads, NULL when readers hold all others (skip this tick). */
struct snapshot *publication_begin(struct publication *publication);
/*
 * The table's processes, with texts of their own: the table may drop its while a reader looks, and
 * so may agents go.
 * Without kernel threads: they have no memory of their own.
 */
void publication_copy(struct publication *publication, const struct table *table,
                      struct snapshot *snapshot);
/* whole: with processes. */
void publication_publish(struct publication *publication, struct snapshot *snapshot, bool whole);
/* Loop: are processes to be published? */
bool publication_wanted(struct publication *publication, uint64_t now_usec);
/* Loop, when `wake` is readable: does a reader wait? False: it has been served already. */
bool publication_woken(struct publication *publication);
/* Loop: gives back the memory of buffers that nobody needs. */
void publication_trim(struct publication *publication);

/*
 * Any thread but the loop's. Without `whole` there may be no processes in it, and it never waits.
 * NULL before the first tick; with `whole` also when the loop does not answer in time.
 */
const struct snapshot *publication_acquire(struct publication *publication, bool whole);
void publication_release(struct publication *publication, const struct snapshot *snapshot);

#endif
