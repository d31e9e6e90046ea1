/* SPDX-License-Identifier: MIT */
/*
 * Kills that only a counter told of: what remains of the host's when the kernel log and the
 * counters of cgroups have had their say, and who it may have been. Loop thread.
 */
#include "base/clock.h"
#include "base/text.h"
#include "engine/deaths_state.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

/* The log is read right behind the counter; after this a difference between them will stay. */
#define DEATHS_NAMED_USEC (10 * USEC_PER_SEC)

/* "/a" holds "/a" and "/a/b", and "" and "/" hold everything. */
static bool cgroup_holds(const char *outer, const char *inner)
{
    size_t length = strlen(outer);
    if (length <= 1)
        return true;
    return strncmp(outer, inner, length) == 0 && (inner[length] == '\0' || inner[length] == '/');
}

static struct deaths_rise *rise_of(struct deaths *deaths, const struct deaths_counter *counter,
                                   uint64_t now)
{
    for (size_t i = 0; i < deaths->rise_count; i++)
        if (strcmp(deaths->rises[i].cgroup, counter->cgroup) == 0)
            return &deaths->rises[i];
    if (deaths->rise_count == DEATHS_RISES)
        return NULL;
    struct deaths_rise *rise = &deaths->rises[deaths->rise_count++];
    *rise = (struct deaths_rise){
        .below = counter->below, .since_usec = counter->since_usec, .usec = now};
    text_copy(rise->cgroup, sizeof(rise->cgroup), counter->cgroup);
    return rise;
}

void deaths_on_counter(struct deaths *deaths, const struct deaths_counter *counter, bool named,
                       uint64_t now_usec)
{
    if (counter->rise <= 0 || (named && counter->cgroup[0]))
        return;
    struct deaths_rise *rise = rise_of(deaths, counter, now_usec);
    /* Sixteen cgroups at once: the host's counter has them all. */
    if (rise)
        rise->count += counter->rise;
}

/* An end that has another reason is no kill. */
static bool could_be(const struct deaths_ended *ended, const struct deaths_rise *rise)
{
    const struct death *death = &ended->death;
    if (ended->claimed || death->said_exit || ended->usec < rise->since_usec)
        return false;
    if (death->status_known && !(WIFSIGNALED(death->status) && WTERMSIG(death->status) == SIGKILL))
        return false;
    return rise->cgroup[0] == '\0' || death->cgroup[0] == '\0' ||
           cgroup_holds(rise->cgroup, death->cgroup);
}

static int64_t candidates_count(struct deaths *deaths, const struct deaths_rise *rise)
{
    int64_t count = 0;
    for (size_t i = 0; i < deaths->ended_count; i++)
        count += could_be(deaths_ended_at(deaths, i), rise);
    return count;
}

static void rise_tell(struct deaths *deaths, const struct deaths_rise *rise, uint64_t now)
{
    bool all_seen = deaths->ended_lost_usec == 0 || deaths->ended_lost_usec < rise->since_usec;
    if (!all_seen || candidates_count(deaths, rise) != rise->count) {
        const struct deaths_told told = {.cgroup = rise->cgroup, .count = rise->count};
        deaths_tell_kill(deaths, &told, now);
        return;
    }
    for (size_t i = 0; i < deaths->ended_count; i++) {
        struct deaths_ended *ended = deaths_ended_at(deaths, i);
        if (!could_be(ended, rise))
            continue;
        const struct deaths_told told = {
            .victim = &ended->death, .cgroup = rise->cgroup, .count = 1, .probably = true};
        ended->claimed = true;
        deaths_tell_kill(deaths, &told, now);
    }
}

/* Kills of the log against those of the host's counter. */
static void settle_named(struct deaths *deaths, uint64_t now)
{
    for (size_t i = 0; i < deaths->rise_count && deaths->named > 0; i++) {
        struct deaths_rise *rise = &deaths->rises[i];
        int64_t taken = deaths->named < rise->count ? deaths->named : rise->count;
        if (rise->cgroup[0])
            continue;
        rise->count -= taken;
        deaths->named -= taken;
    }
    if (now - deaths->named_usec > DEATHS_NAMED_USEC)
        deaths->named = 0; /* this kernel does not count them */
}

static bool is_due(const struct deaths *deaths, const struct deaths_rise *rise, uint64_t now)
{
    return now - rise->usec >= deaths->config.settle_usec;
}

static void rises_forget(struct deaths *deaths)
{
    size_t kept = 0;
    for (size_t i = 0; i < deaths->rise_count; i++)
        if (deaths->rises[i].count > 0)
            deaths->rises[kept++] = deaths->rises[i];
    deaths->rise_count = kept;
}

/* What `inner` counts, `outer` counts as well. */
static bool rise_includes(const struct deaths_rise *outer, const struct deaths_rise *inner)
{
    return outer != inner && outer->below && inner->cgroup[0] &&
           cgroup_holds(outer->cgroup, inner->cgroup);
}

static bool has_inner(const struct deaths *deaths, const struct deaths_rise *outer)
{
    for (size_t i = 0; i < deaths->rise_count; i++)
        if (deaths->rises[i].count > 0 && rise_includes(outer, &deaths->rises[i]))
            return true;
    return false;
}

/*
 * The counters of cgroups count what happens below them too, and the host's counts all: the
 * innermost is told of first, and taken from those around it.
 */
static bool rise_settle(struct deaths *deaths, struct deaths_rise *inner, uint64_t now)
{
    if (inner->count == 0 || !is_due(deaths, inner, now) || has_inner(deaths, inner))
        return false;
    rise_tell(deaths, inner, now);
    for (size_t i = 0; i < deaths->rise_count; i++) {
        struct deaths_rise *rise = &deaths->rises[i];
        if (rise_includes(rise, inner))
            rise->count = rise->count > inner->count ? rise->count - inner->count : 0;
    }
    inner->count = 0;
    return true;
}

void deaths_count_on_tick(struct deaths *deaths, uint64_t now_usec)
{
    if (deaths->rise_count == 0 && deaths->named == 0)
        return;
    settle_named(deaths, now_usec);
    bool again = true;
    while (again) {
        again = false;
        for (size_t i = 0; i < deaths->rise_count; i++)
            again = rise_settle(deaths, &deaths->rises[i], now_usec) || again;
    }
    rises_forget(deaths);
}
