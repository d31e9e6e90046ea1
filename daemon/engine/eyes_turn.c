/* SPDX-License-Identifier: MIT */
#include "engine/eyes_turn.h"

#include <stdlib.h>

#define TURN_MOVED_BYTES   (INT64_C(4) << 20)
#define TURN_MOVED_PERCENT 1

/* Above every score that comes from bytes and cost: 2^46 bytes in a microsecond. */
#define TURN_LATE_SCORE (UINT64_C(1) << 48)

/* The smallest take so long; nothing is gained by telling them apart. */
#define TURN_LEAST_COST_USEC 20

bool eyes_turn_moved(int64_t rss_bytes, int64_t read_rss_bytes)
{
    int64_t moved = llabs(rss_bytes - read_rss_bytes);
    return moved > TURN_MOVED_BYTES || moved > rss_bytes / 100 * TURN_MOVED_PERCENT;
}

uint64_t eyes_turn_score(const struct eyes_turn *turn)
{
    bool moved = turn->never_read || eyes_turn_moved(turn->rss_bytes, turn->read_rss_bytes);
    uint64_t idle = EYES_TURN_IDLE_USEC << turn->calm;
    bool due = turn->never_read || turn->since_usec >= idle ||
               (moved && turn->since_usec >= EYES_TURN_MOVED_USEC);
    if (!due)
        return 0;
    if (turn->since_usec >= idle + EYES_TURN_LATE_USEC)
        return TURN_LATE_SCORE + turn->since_usec;
    /* What is not known, and in two hours all that is, counts as moved. */
    uint64_t unknown = (uint64_t)(turn->never_read ? turn->rss_bytes
                                                   : llabs(turn->rss_bytes - turn->read_rss_bytes));
    uint64_t aged = (uint64_t)turn->rss_bytes / 128 * (turn->since_usec / EYES_TURN_IDLE_USEC);
    uint64_t score = (unknown + aged) / (turn->cost_usec + TURN_LEAST_COST_USEC);
    return score < TURN_LATE_SCORE ? score + 1 : TURN_LATE_SCORE - 1;
}

bool eyes_turn_identity(const struct eyes_identity *identity, uint64_t now_usec)
{
    if (identity->asked_usec > 0 && now_usec - identity->asked_usec < EYES_TURN_RETRY_USEC)
        return false;
    if (identity->denied)
        return now_usec - identity->asked_usec >= EYES_TURN_IDENTITY_USEC;
    uint64_t settled = identity->seen_usec + EYES_TURN_SETTLE_USEC;
    if (identity->read_usec == 0 || (identity->read_usec < settled && now_usec >= settled))
        return true;
    return now_usec - identity->read_usec >=
           (identity->slept ? EYES_TURN_SLEEPER_USEC : EYES_TURN_IDENTITY_USEC);
}
