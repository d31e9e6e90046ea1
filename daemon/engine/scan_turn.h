/* SPDX-License-Identifier: MIT */
/*
 * When a process is scanned for pools again: soon when its memory moved, ever later when it did
 * not, rarely when there is nothing to find or no right to look. Pure over the time handed in.
 */
#ifndef MEMTEND_ENGINE_SCAN_TURN_H
#define MEMTEND_ENGINE_SCAN_TURN_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed = never scanned. Times are monotonic. */
struct scan_turn {
    uint64_t done_usec;      /* of the last scan that came to its end; 0 = none has */
    uint64_t next_usec;      /* not before, when nothing moved */
    uint64_t wait_usec : 63; /* the pause that led there */
    bool stranger : 1;       /* it was no CPython the last time */
    int64_t rss_bytes;       /* at the last scan, or when it was no CPython */
};

/* wanted: a rule looks at the numbers. */
bool scan_turn_is_due(const struct scan_turn *turn, int64_t rss_bytes, bool wanted,
                      uint64_t now_usec);

/* A scan came to its end. */
void scan_turn_done(struct scan_turn *turn, int64_t rss_bytes, uint64_t now_usec);
/* It did not; result is that of probe_client_scan(). */
void scan_turn_failed(struct scan_turn *turn, int result, int64_t rss_bytes, uint64_t now_usec);

#endif
