/* SPDX-License-Identifier: MIT */
#include "engine/scan_turn.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>

/* Between two scans of one process, whatever happens in it. */
#define TURN_LEAST_USEC (10 * USEC_PER_SEC)
/* When nothing moves: doubled up to here. Below the age at which rules call a value unknown. */
#define TURN_MOST_USEC (240 * USEC_PER_SEC)

/* Moved is what changes the picture: more than noise and more than a part of it. */
#define TURN_MOVED_BYTES   (INT64_C(1) << 20)
#define TURN_MOVED_PERCENT 2

/* No right: rights are given by restarting. */
#define TURN_REFUSED_USEC      (60 * USEC_PER_SEC)
#define TURN_REFUSED_MOST_USEC (3600 * USEC_PER_SEC)
/* No CPython: it may load the library later, but then its memory moves and the pause above will do.
 */
#define TURN_STRANGER_USEC (600 * USEC_PER_SEC)

static bool turn_has_moved(const struct scan_turn *turn, int64_t rss_bytes)
{
    int64_t moved = llabs(rss_bytes - turn->rss_bytes);
    return moved > TURN_MOVED_BYTES && moved > turn->rss_bytes / 100 * TURN_MOVED_PERCENT;
}

bool scan_turn_is_due(const struct scan_turn *turn, int64_t rss_bytes, bool wanted,
                      uint64_t now_usec)
{
    if (now_usec >= turn->next_usec)
        return true;
    if (turn->stranger)
        return now_usec >= turn->next_usec - turn->wait_usec + TURN_REFUSED_USEC &&
               turn_has_moved(turn, rss_bytes);
    if (turn->done_usec == 0 || now_usec - turn->done_usec < TURN_LEAST_USEC)
        return false;
    return wanted || turn_has_moved(turn, rss_bytes);
}

static void turn_back_off(struct scan_turn *turn, uint64_t least_usec, uint64_t most_usec,
                          uint64_t now_usec)
{
    uint64_t wait = turn->wait_usec * 2;
    if (wait < least_usec)
        wait = least_usec;
    turn->wait_usec = (wait < most_usec ? wait : most_usec) & (UINT64_MAX >> 1); /* as it is kept */
    turn->next_usec = now_usec + turn->wait_usec;
}

void scan_turn_done(struct scan_turn *turn, int64_t rss_bytes, uint64_t now_usec)
{
    if (turn->done_usec == 0 || turn_has_moved(turn, rss_bytes))
        turn->wait_usec = 0;
    turn->stranger = false;
    turn->rss_bytes = rss_bytes;
    turn->done_usec = now_usec;
    turn_back_off(turn, TURN_LEAST_USEC, TURN_MOST_USEC, now_usec);
}

void scan_turn_failed(struct scan_turn *turn, int result, int64_t rss_bytes, uint64_t now_usec)
{
    turn->done_usec = 0;
    turn->rss_bytes = rss_bytes;
    turn->stranger = result == -ENOEXEC;
    if (turn->stranger)
        turn_back_off(turn, TURN_STRANGER_USEC, TURN_REFUSED_MOST_USEC, now_usec);
    else if (result == -EPERM || result == -EACCES)
        turn_back_off(turn, TURN_REFUSED_USEC, TURN_REFUSED_MOST_USEC, now_usec);
    else
        turn_back_off(turn, TURN_LEAST_USEC, TURN_MOST_USEC, now_usec);
}
