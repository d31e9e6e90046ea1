/* SPDX-License-Identifier: MIT */
#include "engine/probe_client.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "engine/probe_link.h"
#include "engine/probe_pace.h"
#include "engine/probe_patience.h"
#include "engine/probe_schedule.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_DEADLINE_USEC (2 * USEC_PER_SEC)
/* Enough that the probe never waits for the loop, few enough that a dead one loses little. */
#define CLIENT_IN_FLIGHT 4

/* Ends in a row that are told one by one; /api/v1/status counts all. */
#define CLIENT_TOLD_MAX 3

struct probe_client {
    struct probe_client_config config;
    struct probe_link *link;
    struct probe_schedule schedule;
    sd_event_source *timer;  /* the earliest of all that is awaited */
    sd_event_source *finish; /* hands out answers that need no probe */
    uint32_t sequence;

    struct probe_queue in_flight; /* in the order in which the answers come */
    struct probe_queue finished;
    struct probe_patience patience; /* with the first one in flight */

    struct probe_pace pace;
    bool answered;   /* this probe, at least once */
    bool silent;     /* nobody was told why it was replaced */
    uint32_t rights; /* as this probe says */
    struct probe_client_state state;
};

/* Troubles that come close upon each other are told a few times, then they are a state. */
_printf_(2, 3) static void client_event(struct probe_client *client, const char *format, ...)
{
    char text[STATUS_TEXT_SIZE];
    va_list list;
    if (client->pace.failures > CLIENT_TOLD_MAX)
        return;
    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    if (client->config.on_event)
        client->config.on_event(client->config.context, text);
}

/* The answer comes from the loop later, never from inside a call of the user's. */
static void client_finish(struct probe_client *client, struct probe_pending *pending, int result)
{
    pending->result = result;
    probe_queue_push(&client->finished, pending);
    sd_event_source_set_enabled(client->finish, SD_EVENT_ONESHOT);
}

static int client_on_finish(sd_event_source *source, void *context)
{
    (void)source;
    struct probe_client *client = context;
    /* Only those of now: an answer may lead to the next request. */
    for (size_t left = client->finished.count; left > 0; left--) {
        struct probe_pending *pending = probe_queue_pop(&client->finished);
        struct probe_answer answer = probe_pending_refused(pending);
        probe_schedule_release(&client->schedule, pending);
        client->config.on_answer(client->config.context, &answer);
    }
    return 0;
}

static void client_set_timer(struct probe_client *client, uint64_t now)
{
    uint64_t next = UINT64_MAX;
    if (client->in_flight.first)
        next = client->patience.deadline_usec;
    if (client->pace.next_usec > 0 && client->pace.next_usec < next)
        next = client->pace.next_usec;
    if (client->pace.opened_usec > 0 && client->in_flight.count < CLIENT_IN_FLIGHT) {
        uint64_t when = probe_schedule_when(&client->schedule, now);
        if (when < next)
            next = when;
    }
    sd_event_source_set_time(client->timer, next);
    sd_event_source_set_enabled(client->timer, next < UINT64_MAX ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

/* No probe now: try again after a pause. The first one in flight is what it may have died over. */
static void client_back_off(struct probe_client *client, uint64_t now, int result)
{
    probe_pace_ended(&client->pace, now);
    client->answered = false;
    client->state.own_private_bytes = client->state.own_rss_bytes = -1;
    struct probe_pending *head = probe_queue_pop(&client->in_flight);
    if (head)
        client_finish(client, head, result);
    for (struct probe_pending *pending; (pending = probe_queue_pop(&client->in_flight));)
        probe_schedule_return(&client->schedule, pending);
}

static void client_open(struct probe_client *client, uint64_t now)
{
    int r = probe_link_open(client->link);
    if (r < 0) {
        /* One line for the timeline, not one per try. */
        if (client->pace.failures == 0)
            client_event(client, "the probe does not start: %s", strerror(-r));
        snprintf(client->state.detail, sizeof(client->state.detail), "it does not start: %s",
                 strerror(-r));
        client_back_off(client, now, -EPIPE);
        return;
    }
    probe_pace_opened(&client->pace, now);
}

/* The next one is the first in flight now. */
static void client_turn(struct probe_client *client, uint64_t now)
{
    const struct probe_pending *first = client->in_flight.first;
    if (first)
        probe_patience_turn(&client->patience, first->stall_usec, !client->answered, now);
}

static int client_send(struct probe_client *client, struct probe_pending *pending, uint64_t now)
{
    struct probe_request request;
    /* Those before it in flight may each take as long as it may itself. */
    uint64_t until =
        now + client->patience.least_usec * (CLIENT_IN_FLIGHT + PROBE_PATIENCE_START_FACTOR);
    probe_pending_request(pending, probe_patience_usec(&client->patience, pending->stall_usec),
                          until, &request);
    unsigned char packet[PROBE_REQUEST_SIZE];
    probe_request_encode(&request, packet);
    return probe_link_send(client->link, packet, sizeof(packet));
}

static void client_give_up(struct probe_client *client, uint64_t now)
{
    if (!probe_pace_is_long(&client->pace, now))
        return;
    for (struct probe_pending *pending; (pending = probe_schedule_drain(&client->schedule));)
        client_finish(client, pending, -EPIPE);
}

static void client_on_lost(void *context, const char *why)
{
    struct probe_client *client = context;
    uint64_t now = clock_mono_usec();
    client->state.restarts++;
    snprintf(client->state.detail, sizeof(client->state.detail), "lost: %s", why);
    client_back_off(client, now, -EPIPE);
    client_event(client, "the probe is lost: %s; the next one starts in %.1f s%s", why,
                 (double)(client->pace.next_usec - now) / (double)USEC_PER_SEC,
                 client->pace.failures == CLIENT_TOLD_MAX ? "; the next losses are not told" : "");
    client_give_up(client, now);
    client_set_timer(client, now);
}

/* It cannot be trusted, or is of no use. */
static void client_drop(struct probe_client *client, const char *why)
{
    probe_link_close(client->link);
    client_on_lost(client, why);
}

static void client_dispatch(struct probe_client *client, uint64_t now)
{
    client_give_up(client, now);
    while (client->pace.opened_usec > 0 && client->in_flight.count < CLIENT_IN_FLIGHT) {
        struct probe_pending *pending = probe_schedule_next(&client->schedule, now);
        if (!pending)
            break;
        client->state.too_dear_total += pending->result == -EFBIG;
        if (pending->what == 0) {
            client_finish(client, pending, pending->result);
            continue;
        }
        if (client_send(client, pending, now) < 0) {
            probe_schedule_return(&client->schedule, pending);
            client_drop(client, "it takes no requests");
            return;
        }
        probe_queue_push(&client->in_flight, pending);
        if (client->in_flight.first == pending)
            client_turn(client, now);
    }
    client_set_timer(client, now);
}

/* The probe hangs over the first one in flight: leave that one alone and take another probe. */
static void client_on_late(struct probe_client *client, uint64_t now)
{
    struct process_id id = client->in_flight.first->id;
    char text[PROCESS_ID_SIZE];
    process_id_format(id, text);
    bool first = probe_budget_mark(&client->schedule.budget, id, now);
    probe_link_close(client->link);
    client->state.late_total++;
    client->state.restarts++;
    snprintf(client->state.detail, sizeof(client->state.detail), "replaced: reading %s hung", text);
    client_back_off(client, now, -ETIMEDOUT);
    client->silent = !first;
    if (first)
        client_event(client, "reading %s hung: the probe is replaced and the process left alone",
                     text);
}

static int client_on_time(sd_event_source *source, uint64_t usec, void *context)
{
    (void)source;
    (void)usec;
    struct probe_client *client = context;
    uint64_t now = clock_mono_usec();
    if (client->in_flight.first && now >= client->patience.deadline_usec)
        client_on_late(client, now);
    if (probe_pace_is_due(&client->pace, now))
        client_open(client, now);
    client_dispatch(client, now);
    return 0;
}

static void client_take_state(struct probe_client *client, const struct probe_answer *answer)
{
    if (!client->answered && client->state.restarts > 0 && !client->silent)
        client_event(client, "the probe is back");
    client->silent = false;
    client->answered = true;
    client->rights = answer->rights;
    client->state.own_private_bytes = answer->own_private_bytes;
    client->state.own_rss_bytes = answer->own_rss_bytes;
    client->state.detail[0] = '\0';
}

static void client_on_packet(void *context, const unsigned char *packet, size_t size)
{
    struct probe_client *client = context;
    uint64_t now = clock_mono_usec();
    struct probe_answer answer;
    if (probe_answer_decode(packet, size, &answer) < 0) {
        client_drop(client, "it sent what is no answer");
        return;
    }
    /* Answers come in order: what is overtaken was dropped by the probe. */
    while (client->in_flight.first && client->in_flight.first->sequence != answer.sequence) {
        client_finish(client, probe_queue_pop(&client->in_flight), -ENOBUFS);
        client_turn(client, now);
    }
    const struct probe_pending *asked = client->in_flight.first;
    if (!asked || !probe_pending_fits(asked, &answer)) {
        client_drop(client, "it answered what was not asked");
        return;
    }
    client_take_state(client, &answer);
    if (answer.result == -EINPROGRESS) {
        probe_patience_moved(&client->patience, asked->stall_usec, now);
        client_set_timer(client, now);
        return;
    }
    struct probe_pending *pending = probe_queue_pop(&client->in_flight);
    client_turn(client, now);
    if (answer.what & PROBE_WHAT_DEEP) {
        client->state.deep_usec_total += answer.cpu_usec;
        probe_budget_spend(&client->schedule.budget, now, answer.cpu_usec);
    }
    answer.what = pending->asked;
    if (answer.result == 0)
        answer.result = pending->result;
    probe_schedule_release(&client->schedule, pending);
    client->config.on_answer(client->config.context, &answer);
    client_dispatch(client, now);
}

static int client_ask(struct probe_client *client, struct process_id id, uint64_t stall_usec,
                      uint32_t what, const struct probe_scan_part *part,
                      enum probe_priority priority, uint32_t *ret_sequence)
{
    struct probe_pending *pending =
        probe_schedule_add(&client->schedule, id, stall_usec, what, priority);
    if (!pending)
        return -ENOBUFS;
    if (part)
        pending->part = *part;
    pending->sequence = ++client->sequence;
    if (ret_sequence)
        *ret_sequence = pending->sequence;
    /* From the loop, so that nothing is called back from in here. */
    sd_event_source_set_time(client->timer, clock_mono_usec());
    sd_event_source_set_enabled(client->timer, SD_EVENT_ONESHOT);
    return 0;
}

int probe_client_request(struct probe_client *client, struct process_id id, uint64_t stall_usec,
                         uint32_t what, enum probe_priority priority, uint32_t *ret_sequence)
{
    return client_ask(client, id, stall_usec, what, NULL, priority, ret_sequence);
}

int probe_client_pages(struct probe_client *client, struct process_id id, uint64_t cursor,
                       enum probe_priority priority, uint32_t *ret_sequence)
{
    const struct probe_scan_part part = {.cursor = cursor};
    return client_ask(client, id, 0, PROBE_WHAT_PAGES, &part, priority, ret_sequence);
}

int probe_client_scan(struct probe_client *client, struct process_id id,
                      const struct probe_scan_part *part, uint32_t *ret_sequence)
{
    return client_ask(client, id, 0, PROBE_WHAT_POOLS, part, PROBE_PRIORITY_ROUTINE, ret_sequence);
}

size_t probe_client_room(struct probe_client *client, enum probe_priority priority)
{
    if (client->pace.opened_usec == 0)
        return 0;
    return probe_schedule_room(&client->schedule, priority, clock_mono_usec());
}

void probe_client_state(const struct probe_client *client, struct probe_client_state *ret_state)
{
    struct probe_client_state state = client->state;
    state.separated = client->config.socket_path != NULL;
    state.state = PROBE_STATE_OK;
    state.waiting = client->in_flight.count + probe_schedule_waiting(&client->schedule);
    if (client->pace.opened_usec == 0) {
        state.state = PROBE_STATE_DOWN;
    } else if (client->answered && !(client->rights & PROBE_RIGHT_PTRACE)) {
        state.state = PROBE_STATE_LIMITED;
        if (!state.detail[0])
            text_copy(state.detail, sizeof(state.detail),
                      "without CAP_SYS_PTRACE it sees only processes of its own user");
    }
    *ret_state = state;
}

pid_t probe_client_pid(const struct probe_client *client)
{
    return probe_link_pid(client->link);
}

static int client_prepare(struct probe_client *client, sd_event *event)
{
    struct probe_link_config config = {
        .socket_path = client->config.socket_path,
        .proc_root = client->config.proc_root,
        .other_users = client->config.other_users,
        .context = client,
        .on_packet = client_on_packet,
        .on_lost = client_on_lost,
    };
    int r = probe_link_new(event, &config, &client->link);
    if (r == 0)
        r = sd_event_add_time(event, &client->timer, CLOCK_MONOTONIC, 0, 1, client_on_time, client);
    if (r >= 0)
        r = sd_event_add_defer(event, &client->finish, client_on_finish, client);
    if (r >= 0)
        r = sd_event_source_set_enabled(client->finish, SD_EVENT_OFF);
    return r;
}

int probe_client_new(sd_event *event, const struct probe_client_config *config,
                     struct probe_client **ret_client)
{
    struct probe_client *client = calloc(1, sizeof(*client));
    if (!client)
        return -ENOMEM;
    uint64_t now = clock_mono_usec();
    client->config = *config;
    client->patience.least_usec =
        config->deadline_usec > 0 ? config->deadline_usec : CLIENT_DEADLINE_USEC;
    client->state.own_private_bytes = client->state.own_rss_bytes = -1;
    probe_schedule_init(&client->schedule, client->config.budget_permyriad, now);
    int r = client_prepare(client, event);
    if (r < 0) {
        probe_client_free(client);
        return r;
    }
    /* Started from the loop, so that nothing is called back from in here. */
    probe_pace_init(&client->pace, now);
    client_set_timer(client, now);
    *ret_client = client;
    return 0;
}

void probe_client_free(struct probe_client *client)
{
    if (!client)
        return;
    sd_event_source_disable_unref(client->timer);
    sd_event_source_disable_unref(client->finish);
    probe_link_free(client->link);
    free(client);
}
