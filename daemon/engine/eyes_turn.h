/* SPDX-License-Identifier: MIT */
/*
 * Which process is worth a deep reading next: the one whose memory moved the most for what it
 * costs to read; one that has waited for long comes before all others, so that nobody starves.
 * Pure over the time handed in.
 */
#ifndef MEMTEND_ENGINE_EYES_TURN_H
#define MEMTEND_ENGINE_EYES_TURN_H

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

/* Not more often than this when its memory moved, and due after this when it did not: twice as late
 * after each reading that told nothing new, below the age at which rules call a value unknown. */
#define EYES_TURN_MOVED_USEC (5 * USEC_PER_SEC)
#define EYES_TURN_IDLE_USEC  (60 * USEC_PER_SEC)
#define EYES_TURN_CALM_MAX   2
/* Due for so long, it comes before all others. */
#define EYES_TURN_LATE_USEC (60 * USEC_PER_SEC)

struct eyes_turn {
    uint64_t since_usec; /* of the last try; of the first sight when never_read */
    bool never_read;
    unsigned calm;     /* readings in a row that told nothing new, at most EYES_TURN_CALM_MAX */
    int64_t rss_bytes; /* now */
    int64_t read_rss_bytes; /* at the last reading */
    uint64_t cost_usec;     /* of a reading */
};

/* A process that just forked may still exec: its identity is read again after this. */
#define EYES_TURN_SETTLE_USEC (2 * USEC_PER_SEC)
/* Programs may rewrite their command line (setproctitle) at any time they run. */
#define EYES_TURN_IDENTITY_USEC (60 * USEC_PER_SEC)
/* One whose first thread has not run: seldom another one of its threads does it. */
#define EYES_TURN_SLEEPER_USEC (300 * USEC_PER_SEC)
#define EYES_TURN_RETRY_USEC   (1 * USEC_PER_SEC)

/* Times are monotonic. */
struct eyes_identity {
    uint64_t seen_usec;  /* for the first time */
    uint64_t asked_usec; /* the last time; 0 = never */
    uint64_t read_usec;  /* command line and executable; 0 = never, or they are of no worth */
    bool denied;         /* the last time */
    bool slept;          /* its first thread has not run since it was read */
};

/* Whether command line and executable are to be read (again). */
bool eyes_turn_identity(const struct eyes_identity *identity, uint64_t now_usec);

/* 0: it is not due. Else the more the sooner. */
uint64_t eyes_turn_score(const struct eyes_turn *turn);
/* More than noise, and more than a part of it. */
bool eyes_turn_moved(int64_t rss_bytes, int64_t read_rss_bytes);

#endif
