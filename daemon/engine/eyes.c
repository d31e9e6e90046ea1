/* SPDX-License-Identifier: MIT */
/*
 * The eyes in the head: the probe's client, and with it what eyes_schedule asks, what
 * eyes_readings waits for and where eyes_answers puts what comes back. Loop thread.
 */
#include "engine/eyes_state.h"

#include <errno.h>
#include <stdlib.h>

static void eyes_on_event(void *context, const char *text)
{
    struct head *head = context;
    journal_note(head->journal, EVENT_KIND_PROBE, NULL, NULL, NULL, "%s", text);
}

void eyes_on_tick(struct head *head, uint64_t now_usec)
{
    if (!head->probe)
        return;
    eyes_schedule(head, now_usec);
    scans_on_tick(head, now_usec);
}

int eyes_start(struct head *head, const char *socket_path)
{
    struct probe_client_config config = {
        .socket_path = socket_path,
        .budget_permyriad = (uint32_t)head->config.deep_budget_permyriad,
        .other_users = head->config.outside_scan == CONFIG_OUTSIDE_SCAN_ALL,
        .context = head,
        .on_answer = eyes_on_answer,
        .on_event = eyes_on_event};
    head->eyes = calloc(1, sizeof(*head->eyes));
    if (!head->eyes)
        return -ENOMEM;
    return probe_client_new(head->event, &config, &head->probe);
}

void eyes_stop(struct head *head)
{
    probe_client_free(head->probe);
    head->probe = NULL;
    free(head->eyes);
    head->eyes = NULL;
}
