/* SPDX-License-Identifier: MIT */
/*
 * A journal that only remembers, so that the rule book and the pause can be tested without a store.
 * Included by one test program each: it defines the functions of engine/journal.h.
 */
#ifndef MEMTEND_TESTS_FAKE_JOURNAL_H
#define MEMTEND_TESTS_FAKE_JOURNAL_H

#include "engine/journal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FAKE_EVENTS   256
#define FAKE_SETTINGS 8

struct journal {
    uint64_t sequence;
    bool refuses; /* every record: -ENOBUFS */
    bool full;
    size_t event_count;
    struct event events[FAKE_EVENTS]; /* the last ones are kept */
    size_t rule_puts, rule_deletes, arming_puts, arming_deletes;
    char last_text[RULE_TEXT_LIMIT + 1];
    struct rule_arming last_arming;
    size_t setting_count;
    struct {
        char name[32], value[256];
        bool deleted;
    } settings[FAKE_SETTINGS];
    struct command *answered; /* the last command; the test frees it */
    uint64_t answered_sequence;
};

static int fake_journal_take(struct journal *journal, uint64_t *ret_sequence)
{
    if (journal->refuses)
        return -ENOBUFS;
    journal->sequence++;
    if (ret_sequence)
        *ret_sequence = journal->sequence;
    return 0;
}

int journal_event(struct journal *journal, struct event *event, uint64_t *ret_sequence)
{
    journal->events[journal->event_count++ % FAKE_EVENTS] = *event;
    event->id = (int64_t)journal->event_count;
    return fake_journal_take(journal, ret_sequence);
}

void journal_note(struct journal *journal, enum event_kind kind, const char *target,
                  const char *rule, const char *receipt, const char *format, ...)
{
    struct event event = {.kind = kind};
    (void)receipt;
    snprintf(event.target, sizeof(event.target), "%s", target ? target : "");
    snprintf(event.rule, sizeof(event.rule), "%s", rule ? rule : "");
    va_list list;
    va_start(list, format);
    vsnprintf(event.text, sizeof(event.text), format, list);
    va_end(list);
    journal_event(journal, &event, NULL);
}

int journal_rule_put(struct journal *journal, const char *name, const char *text,
                     uint64_t *ret_sequence)
{
    (void)name;
    journal->rule_puts++;
    snprintf(journal->last_text, sizeof(journal->last_text), "%s", text);
    return fake_journal_take(journal, ret_sequence);
}

int journal_rule_delete(struct journal *journal, const char *name, uint64_t *ret_sequence)
{
    (void)name;
    journal->rule_deletes++;
    return fake_journal_take(journal, ret_sequence);
}

int journal_arming_put(struct journal *journal, const struct rule_arming *arming,
                       uint64_t *ret_sequence)
{
    journal->arming_puts++;
    journal->last_arming = *arming;
    return fake_journal_take(journal, ret_sequence);
}

int journal_arming_delete(struct journal *journal, const char *name, uint64_t *ret_sequence)
{
    (void)name;
    journal->arming_deletes++;
    return fake_journal_take(journal, ret_sequence);
}

int journal_setting(struct journal *journal, const char *key, const char *value,
                    uint64_t *ret_sequence)
{
    size_t i = 0;
    while (i < journal->setting_count && strcmp(journal->settings[i].name, key) != 0)
        i++;
    if (i == journal->setting_count)
        journal->setting_count++;
    snprintf(journal->settings[i].name, sizeof(journal->settings[i].name), "%s", key);
    snprintf(journal->settings[i].value, sizeof(journal->settings[i].value), "%s",
             value ? value : "");
    journal->settings[i].deleted = !value;
    return fake_journal_take(journal, ret_sequence);
}

bool journal_is_full(const struct journal *journal)
{
    return journal->full;
}

void journal_reply_when_durable(struct journal *journal, struct command *command, uint64_t sequence)
{
    command_free(journal->answered);
    journal->answered = command;
    journal->answered_sequence = sequence;
}

/* Events of a kind so far, the last one in *ret_event. */
static size_t fake_journal_count(const struct journal *journal, enum event_kind kind,
                                 struct event *ret_event)
{
    size_t count = 0;
    for (size_t i = 0; i < journal->event_count && i < FAKE_EVENTS; i++) {
        if (journal->events[i].kind != kind)
            continue;
        count++;
        *ret_event = journal->events[i];
    }
    return count;
}

#endif
