/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/text.h"
#include "collect/pressure_trigger.h"
#include "engine/head.h"

#include <stdio.h>
#include <unistd.h>

#define PRESSURE_QUIET_USEC (10 * USEC_PER_SEC)
#define PRESSURE_LEAST_USEC (60 * USEC_PER_SEC)

/*
 * Of the time in which some task waited, 7.5 %: programs are slower than they should be. Of that in
 * which all did, 5 %: the machine does little else. A busy disk does not count: only waiting for
 * memory does.
 */
#define PRESSURE_SOME_PERMYRIAD 750
#define PRESSURE_FULL_PERMYRIAD 500

#define PRESSURE_LARGEST 3

enum pressure_change pressure_episode_on(struct pressure_episode *episode, bool sign,
                                         uint64_t now_usec)
{
    if (sign) {
        bool begun = !episode->on;
        if (begun)
            episode->begun_usec = now_usec;
        episode->on = true;
        episode->last_usec = now_usec;
        return begun ? PRESSURE_BEGUN : PRESSURE_AS_BEFORE;
    }
    if (!episode->on || now_usec - episode->last_usec < PRESSURE_QUIET_USEC ||
        now_usec - episode->begun_usec < PRESSURE_LEAST_USEC)
        return PRESSURE_AS_BEFORE;
    episode->on = false;
    return PRESSURE_OVER;
}

/* ---- the words ---- */

static bool is_larger(const struct process *process, const struct process *than)
{
    int64_t rss = 0, other = 0;
    sample_get(&process->sample, METRIC_RSS, &rss);
    sample_get(&than->sample, METRIC_RSS, &other);
    return rss > other;
}

static size_t pressure_largest(const struct table *table,
                               const struct process *ret_largest[static PRESSURE_LARGEST])
{
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        const struct process *process = &table->processes[i];
        if (process->kernel_thread || !sample_has(&process->sample, METRIC_RSS))
            continue;
        size_t at = count;
        while (at > 0 && is_larger(process, ret_largest[at - 1]))
            at--;
        if (at == PRESSURE_LARGEST)
            continue;
        if (count < PRESSURE_LARGEST)
            count++;
        for (size_t move = count - 1; move > at; move--)
            ret_largest[move] = ret_largest[move - 1];
        ret_largest[at] = process;
    }
    return count;
}

/* "some 12.3 %, full 4.5 % of the last 10 s" as numbers of the event and as words. */
static size_t pressure_shares_say(const struct head *head, struct event *event)
{
    int64_t some, full;
    int length = snprintf(event->text, sizeof(event->text), "the machine waits for memory");
    if (sample_get(&head->host, METRIC_PSI_SOME_AVG10, &some) &&
        sample_get(&head->host, METRIC_PSI_FULL_AVG10, &full)) {
        event_set_number(event, EVENT_NUMBER_PSI_SOME, some);
        event_set_number(event, EVENT_NUMBER_PSI_FULL, full);
        length += snprintf(event->text + length, sizeof(event->text) - (size_t)length,
                           ": some task %.1f %%, all tasks %.1f %% of the last 10 s",
                           (double)some / 100, (double)full / 100);
    }
    return (size_t)length;
}

static void pressure_say_begun(struct head *head)
{
    struct event event = {.kind = EVENT_KIND_PRESSURE, .target = "host"};
    const struct process *largest[PRESSURE_LARGEST];
    size_t length = pressure_shares_say(head, &event);
    size_t count = pressure_largest(&head->table, largest);
    for (size_t i = 0; i < count; i++) {
        char id[PROCESS_ID_SIZE], rss[TEXT_BYTES_SIZE], one[128];
        int64_t bytes = 0;
        sample_get(&largest[i]->sample, METRIC_RSS, &bytes);
        process_id_format(largest[i]->id, id);
        text_format_bytes(bytes, rss);
        snprintf(one, sizeof(one), "%s%s (%s) %s", i == 0 ? "; largest: " : ", ", largest[i]->comm,
                 id, rss);
        length += text_copy(event.text + length, sizeof(event.text) - length, one);
    }
    journal_event(head->journal, &event, NULL);
}

static void pressure_say_over(struct head *head)
{
    const struct pressure_episode *episode = &head->pressure.episode;
    uint64_t lasted = episode->last_usec - episode->begun_usec;
    struct event event = {.kind = EVENT_KIND_PRESSURE_END, .target = "host"};
    event_set_number(&event, EVENT_NUMBER_DURATION, (int64_t)lasted);
    snprintf(event.text, sizeof(event.text),
             "the machine waits for memory no more: first and last sign were %.1f s apart",
             (double)lasted / (double)USEC_PER_SEC);
    journal_event(head->journal, &event, NULL);
}

static void pressure_note(struct head *head, bool sign, uint64_t now_usec)
{
    switch (pressure_episode_on(&head->pressure.episode, sign, now_usec)) {
    case PRESSURE_BEGUN:
        pressure_say_begun(head);
        break;
    case PRESSURE_OVER:
        pressure_say_over(head);
        break;
    case PRESSURE_AS_BEFORE:
        break;
    }
}

/* ---- the signs ---- */

static int pressure_on_trigger(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)fd;
    struct head *head = context;
    /* The kernel has taken the trigger away: what is left is polled. */
    if (events & EPOLLERR) {
        for (size_t i = 0; i < 2; i++)
            if (head->pressure.triggers[i] == source)
                head->pressure.triggers[i] = sd_event_source_disable_unref(source);
        return 0;
    }
    uint64_t now = clock_mono_usec();
    host_pass(head, now);
    pressure_note(head, true, now);
    return 0;
}

static sd_event_source *pressure_trigger_add(struct head *head, bool full)
{
    /* The same shares of time, as soon as we may know. */
    static const uint64_t windows[] = {USEC_PER_SEC, 2 * USEC_PER_SEC};
    uint64_t share = full ? PRESSURE_FULL_PERMYRIAD : PRESSURE_SOME_PERMYRIAD;
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        struct pressure_trigger trigger = {
            .full = full, .stall_usec = windows[i] * share / 10000, .window_usec = windows[i]};
        sd_event_source *source = NULL;
        int fd;
        if (pressure_trigger_open(head->proc_fd, &trigger, &fd) < 0)
            continue;
        if (sd_event_add_io(head->event, &source, fd, EPOLLPRI, pressure_on_trigger, head) < 0) {
            close(fd);
            return NULL;
        }
        sd_event_source_set_io_fd_own(source, true);
        return source;
    }
    return NULL;
}

void pressure_watch_start(struct head *head)
{
    for (size_t i = 0; i < 2; i++)
        head->pressure.triggers[i] = pressure_trigger_add(head, i == 1);
}

void pressure_watch_stop(struct head *head)
{
    for (size_t i = 0; i < 2; i++)
        head->pressure.triggers[i] = sd_event_source_disable_unref(head->pressure.triggers[i]);
}

enum psi_state pressure_watch_state(const struct pressure_watch *watch)
{
    return watch->triggers[0] && watch->triggers[1] ? PSI_STATE_TRIGGER : PSI_STATE_POLLED;
}

void pressure_watch_on_tick(struct head *head, uint64_t now_usec)
{
    int64_t some = 0, full = 0;
    bool polled = pressure_watch_state(&head->pressure) == PSI_STATE_POLLED;
    sample_get(&head->host, METRIC_PSI_SOME_AVG10, &some);
    sample_get(&head->host, METRIC_PSI_FULL_AVG10, &full);
    bool sign = some >= PRESSURE_SOME_PERMYRIAD || full >= PRESSURE_FULL_PERMYRIAD;
    pressure_note(head, polled && sign, now_usec);
}
