/* SPDX-License-Identifier: MIT */
#include "engine/deaths.h"

#include "base/clock.h"
#include "engine/deaths_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A minute of kills in a crash loop is worth reading; then one a second. */
#define DEATHS_KILLS_BURST 60
#define DEATHS_ENDS_BURST  200
#define DEATHS_PER_SECOND  1
/* A pin costs the writer 50 ms with 10,000 processes, and there is room for 256. */
#define DEATHS_PINS_BURST 16
#define DEATHS_PIN_USEC   (4 * USEC_PER_SEC)

/* A victim may be long in dying: its memory is freed first. */
#define DEATHS_DYING_USEC (60 * USEC_PER_SEC)
/* The log's clock and ours may differ by so much when a start is compared with a kill. */
#define DEATHS_CLOCK_USEC (2 * USEC_PER_SEC)

int deaths_new(const struct deaths_config *config, uint64_t now_usec, struct deaths **ret_deaths)
{
    struct deaths *deaths = calloc(1, sizeof(*deaths));
    if (!deaths)
        return -ENOMEM;
    deaths->config = *config;
    quota_init(&deaths->kills.quota, DEATHS_PER_SECOND, DEATHS_KILLS_BURST, now_usec);
    quota_init(&deaths->ends.quota, DEATHS_PER_SECOND, DEATHS_ENDS_BURST, now_usec);
    quota_init_slow(&deaths->pins, DEATHS_PIN_USEC, DEATHS_PINS_BURST, now_usec);
    *ret_deaths = deaths;
    return 0;
}

void deaths_free(struct deaths *deaths)
{
    free(deaths);
}

struct deaths_ended *deaths_ended_at(struct deaths *deaths, size_t age_from_oldest)
{
    return &deaths->ended[(deaths->ended_first + age_from_oldest) % DEATHS_ENDED];
}

/* ---- who is to be killed ---- */

static void killed_add(struct deaths *deaths, struct process_id id, uint64_t now)
{
    if (deaths->killed_count == DEATHS_KILLED) {
        deaths->killed_first = (deaths->killed_first + 1) % DEATHS_KILLED;
        deaths->killed_count--;
    }
    size_t slot = (deaths->killed_first + deaths->killed_count++) % DEATHS_KILLED;
    deaths->killed[slot] = (struct deaths_killed){.id = id, .usec = now};
}

static bool killed_has(const struct deaths *deaths, struct process_id id)
{
    for (size_t i = 0; i < deaths->killed_count; i++) {
        size_t slot = (deaths->killed_first + i) % DEATHS_KILLED;
        if (process_id_equal(deaths->killed[slot].id, id))
            return true;
    }
    return false;
}

static void killed_forget(struct deaths *deaths, uint64_t now)
{
    while (deaths->killed_count > 0 &&
           now - deaths->killed[deaths->killed_first].usec > DEATHS_DYING_USEC) {
        deaths->killed_first = (deaths->killed_first + 1) % DEATHS_KILLED;
        deaths->killed_count--;
    }
}

/* ---- the kernel log ---- */

/* Among those that just ended; the newest with this pid. */
static struct deaths_ended *kill_find_ended(struct deaths *deaths, const struct kmsg_record *kill)
{
    for (size_t i = deaths->ended_count; i-- > 0;) {
        struct deaths_ended *ended = deaths_ended_at(deaths, i);
        if (ended->death.id.pid == kill->pid && strcmp(ended->death.comm, kill->comm) == 0 &&
            kill->usec <= ended->usec + DEATHS_CLOCK_USEC)
            return ended;
    }
    return NULL;
}

/*
 * A pid in the table need not be the one that the kernel killed: that may have come and gone since
 * the last look. The same name, or being still there, makes it the same.
 */
static void kill_find_living(struct deaths *deaths, const struct kmsg_record *kill,
                             struct death *ret_victim)
{
    const struct deaths_ops *ops = &deaths->config.ops;
    struct death found;
    if (ops->find(ops->context, kill->pid, &found) &&
        (strcmp(found.comm, kill->comm) == 0 || ops->is_there(ops->context, found.id)))
        *ret_victim = found;
}

/* True: told already. memory.oom.group names its first victim twice. */
static bool kill_claim(struct deaths *deaths, const struct kmsg_record *kill, uint64_t now,
                       struct death *ret_victim)
{
    bool same = deaths->config.same_pids;
    struct deaths_ended *ended = same ? kill_find_ended(deaths, kill) : NULL;
    struct death victim = {.id = {.pid = kill->pid}}; /* start 0: not known to us */
    if (ended)
        victim = ended->death;
    else if (same)
        kill_find_living(deaths, kill, &victim);
    bool told = ended ? ended->claimed : killed_has(deaths, victim.id);
    if (ended)
        ended->claimed = true;
    if (!told)
        killed_add(deaths, victim.id, now);
    *ret_victim = victim;
    return told;
}

void deaths_on_kill(struct deaths *deaths, const struct kmsg_record *kill, uint64_t now_usec)
{
    struct death victim;
    deaths->named++;
    deaths->named_usec = now_usec;
    if (kill_claim(deaths, kill, now_usec, &victim))
        return;
    const struct deaths_told told = {.victim = victim.id.start_ticks > 0 ? &victim : NULL,
                                     .kill = kill,
                                     .cgroup = "",
                                     .count = 1};
    deaths_tell_kill(deaths, &told, now_usec);
}

/* ---- the pass ---- */

void deaths_on_end(struct deaths *deaths, const struct death *death, uint64_t now_usec)
{
    if (deaths->ended_count == DEATHS_ENDED) {
        struct deaths_ended *oldest = deaths_ended_at(deaths, 0);
        if (!oldest->told)
            deaths_tell_end(deaths, oldest, killed_has(deaths, oldest->death.id), now_usec);
        deaths->ended_lost_usec = oldest->usec;
        deaths->ended_first = (deaths->ended_first + 1) % DEATHS_ENDED;
        deaths->ended_count--;
    }
    struct deaths_ended *ended = deaths_ended_at(deaths, deaths->ended_count++);
    *ended = (struct deaths_ended){
        .death = *death,
        .usec = now_usec,
        .told = !death->watched,
        .claimed = killed_has(deaths, death->id),
    };
}

static void ended_tell(struct deaths *deaths, uint64_t now)
{
    for (size_t i = 0; i < deaths->ended_count; i++) {
        struct deaths_ended *ended = deaths_ended_at(deaths, i);
        if (ended->told)
            continue;
        ended->told = true;
        deaths_tell_end(deaths, ended, killed_has(deaths, ended->death.id), now);
    }
}

static void ended_forget(struct deaths *deaths, uint64_t now)
{
    uint64_t keep = deaths->config.settle_usec * 2;
    while (deaths->ended_count > 0 && now - deaths_ended_at(deaths, 0)->usec > keep) {
        deaths->ended_first = (deaths->ended_first + 1) % DEATHS_ENDED;
        deaths->ended_count--;
    }
}

void deaths_on_tick(struct deaths *deaths, uint64_t now_usec)
{
    ended_tell(deaths, now_usec);
    deaths_count_on_tick(deaths, now_usec);
    deaths_tell_suppressed(deaths, now_usec);
    ended_forget(deaths, now_usec);
    killed_forget(deaths, now_usec);
}
