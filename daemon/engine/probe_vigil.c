/* SPDX-License-Identifier: MIT */
#include "engine/probe_vigil.h"

#include "base/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/time.h>

/*
 * A reading that stands still so much longer than its time budget has hung: only our own end lets
 * go of the process then. Longer, because a child is ended by the head, which knows over what it
 * hung, and because a part of 20 ms begins with looking for its place in 100,000 lines.
 */
#define VIGIL_HUNG_USEC (3 * USEC_PER_SEC)
/* Some signs in the two seconds that the head waits. */
#define VIGIL_EVERY_USEC (250 * USEC_PER_MSEC)
#define VIGIL_SIGNS      8
/* Ranges between two looks at the clock: 0.4 ms of reading. */
#define VIGIL_RANGES 128

/* SIGALRM ends us when a reading hangs; 0 takes it back. */
static void set_alarm(uint64_t usec)
{
    struct itimerval alarm = {.it_value = {.tv_sec = (time_t)(usec / USEC_PER_SEC),
                                           .tv_usec = (suseconds_t)(usec % USEC_PER_SEC)}};
    setitimer(ITIMER_REAL, &alarm, NULL);
}

/* The time budget of what is read in parts is that of a part. */
static uint64_t every_usec(const struct probe_request *request)
{
    uint64_t usec = request->time_budget_usec / VIGIL_SIGNS;
    bool in_parts = (request->what & (PROBE_WHAT_POOLS | PROBE_WHAT_PAGES)) != 0;
    return in_parts || usec > VIGIL_EVERY_USEC ? VIGIL_EVERY_USEC : usec;
}

void probe_vigil_begin(struct probe_vigil *vigil, int peer, const struct probe_request *request,
                       const struct probe_answer *answer)
{
    uint64_t now = clock_mono_usec();
    *vigil = (struct probe_vigil){.peer = peer,
                                  .sign = *answer,
                                  .alarm_usec = request->time_budget_usec + VIGIL_HUNG_USEC,
                                  .every_usec = every_usec(request),
                                  .until_usec = now + PROBE_TIME_MAX_USEC};
    vigil->next_usec = now + vigil->every_usec;
    vigil->sign.result = -EINPROGRESS;
    set_alarm(vigil->alarm_usec);
}

void probe_vigil_end(void)
{
    set_alarm(0);
}

void probe_vigil_moved(void *context)
{
    struct probe_vigil *vigil = context;
    unsigned char header[PROBE_HEADER_SIZE];
    if (++vigil->ranges < VIGIL_RANGES)
        return;
    vigil->ranges = 0;
    uint64_t now = clock_mono_usec();
    if (now < vigil->next_usec || now >= vigil->until_usec)
        return;
    vigil->next_usec = now + vigil->every_usec;
    probe_answer_encode(&vigil->sign, header);
    /* Whoever has gone away wants nothing any more: the alarm stays as it was. */
    if (send(vigil->peer, header, sizeof(header), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ||
        errno == EAGAIN || errno == ENOBUFS)
        set_alarm(vigil->alarm_usec);
}
