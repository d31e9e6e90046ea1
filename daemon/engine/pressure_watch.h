/* SPDX-License-Identifier: MIT */
/*
 * When the machine waits for memory: one event when it begins, with the largest processes, and one
 * when it is over. The kernel wakes us by a trigger where it lets us have one, and the daemon then
 * looks at once; else the averages are looked at each tick. Loop thread.
 */
#ifndef MEMTEND_ENGINE_PRESSURE_WATCH_H
#define MEMTEND_ENGINE_PRESSURE_WATCH_H

#include "model/status.h"

#include <systemd/sd-event.h>

/* One time of waiting, from its first sign to the last. */
struct pressure_episode {
    bool on;
    uint64_t begun_usec, last_usec; /* monotonic, of signs */
};

enum pressure_change { PRESSURE_AS_BEFORE, PRESSURE_BEGUN, PRESSURE_OVER };

/*
 * Was there a sign at this moment? It is over 10 s after the last sign, but a minute after its
 * beginning at the soonest: so there is one beginning a minute at most. Pure.
 */
enum pressure_change pressure_episode_on(struct pressure_episode *episode, bool sign,
                                         uint64_t now_usec);

struct head;

struct pressure_watch {
    sd_event_source *triggers[2]; /* some, full; NULL = none */
    struct pressure_episode episode;
};

/* No trigger is no failure: then it is polled. */
void pressure_watch_start(struct head *head);
void pressure_watch_stop(struct head *head);
/* After the host was read. */
void pressure_watch_on_tick(struct head *head, uint64_t now_usec);
/* PSI_STATE_TRIGGER or PSI_STATE_POLLED, for a machine that has PSI. */
enum psi_state pressure_watch_state(const struct pressure_watch *watch);

#endif
