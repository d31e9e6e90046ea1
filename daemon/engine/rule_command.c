/* SPDX-License-Identifier: MIT */
#include "engine/rule_book_entry.h"

#include "base/clock.h"
#include "base/text.h"
#include "engine/journal.h"
#include "engine/reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- answers ---- */

static int rule_command_record(const struct rule_entry *entry, struct rule_record *ret_record)
{
    char *text = strdup(entry->rule->text);
    if (!text)
        return -ENOMEM;
    *ret_record = (struct rule_record){
        .text = text,
        .source = entry->source,
        .state = entry->state,
        .last_fired_wall_usec = entry->last_fired_wall_usec,
        .fired_count = entry->fired_count,
    };
    text_copy(ret_record->name, sizeof(ret_record->name), entry->rule->name);
    text_copy(ret_record->sha256, sizeof(ret_record->sha256), entry->rule->sha256);
    return 0;
}

static int rule_command_add_record(struct command *command, const struct rule_entry *entry)
{
    int r = rule_command_record(entry, &command->rules[command->rule_count]);
    if (r == 0)
        command->rule_count++;
    return r;
}

/* The rule as it is now becomes the answer. */
static int rule_command_show(struct command *command, const struct rule_entry *entry)
{
    command->rules = calloc(1, sizeof(*command->rules));
    return command->rules ? rule_command_add_record(command, entry) : -ENOMEM;
}

static void rule_command_refuse(struct command *command, enum command_result result,
                                const char *text)
{
    command_refuse(command, result, "%s", text);
    reply_send(command);
}

static void rule_command_no_memory(struct command *command)
{
    rule_command_refuse(command, COMMAND_UNAVAILABLE, "out of memory");
}

/* The record that says who did it, and with it the last sequence. */
static int rule_command_audit(struct rule_book *book, const struct command *command,
                              enum event_kind kind, const char *name, const char *text,
                              uint64_t *ret_sequence)
{
    struct event event = {.kind = kind};
    text_copy(event.rule, sizeof(event.rule), name);
    text_copy(event.asked_by, sizeof(event.asked_by), command->asker.text);
    text_copy(event.text, sizeof(event.text), text);
    return journal_event(book->journal, &event, ret_sequence);
}

/* Done; answered when it is on disk. r < 0: it is in force, but could not be queued. */
static void rule_command_finish(struct rule_book *book, struct command *command, int r,
                                uint64_t sequence)
{
    if (r < 0)
        rule_command_refuse(command, COMMAND_UNAVAILABLE,
                            "done, but it will not survive a restart: the store takes no records");
    else
        journal_reply_when_durable(book->journal, command, sequence);
}

/* ---- reading ---- */

static void rule_command_list(struct rule_book *book, struct command *command)
{
    command->rules = calloc(book->count + 1, sizeof(*command->rules));
    if (!command->rules) {
        rule_command_no_memory(command);
        return;
    }
    for (size_t i = 0; i < book->count; i++) {
        if (rule_command_add_record(command, &book->entries[i]) < 0) {
            rule_command_no_memory(command);
            return;
        }
    }
    command->result = COMMAND_OK;
    reply_send(command);
}

static void rule_command_get(struct rule_book *book, struct command *command)
{
    const struct rule_entry *entry = rule_book_find(book, command->name);
    if (!entry) {
        rule_command_refuse(command, COMMAND_NOT_FOUND, "there is no such rule");
    } else if (rule_command_show(command, entry) < 0) {
        rule_command_no_memory(command);
    } else {
        command->result = COMMAND_OK;
        reply_send(command);
    }
}

/* ---- changing ---- */

/* A rule of a file is changed in the file. True: refused. */
static bool rule_command_is_file(struct rule_book *book, struct command *command)
{
    const struct rule_entry *entry = rule_book_find_source(book, command->name, RULE_SOURCE_FILE);
    if (!entry)
        return false;
    command_refuse(command, COMMAND_CONFLICT, "`%s' is a rule of the file %.120s: change it there",
                   command->name, entry->path);
    reply_send(command);
    return true;
}

/* 0, or refused with the command given back. */
static int rule_command_parse(struct command *command, struct rule **ret_rule)
{
    struct error error = {0};
    size_t count = 0;
    _cleanup_(rule_freep) struct rule *rule = NULL;
    const char *text = command->text ? command->text : "";
    int r = rules_parse_one(text, strlen(text), &rule, &error, 1, &count);
    if (r == 0 && strcmp(rule->name, command->name) != 0)
        r = error_set_at(&error, -EINVAL, rule->line, rule->column,
                         "the text is for a rule `%s', the request for `%s'", rule->name,
                         command->name);
    if (r == -ENOMEM) {
        rule_command_no_memory(command);
        return r;
    }
    if (r < 0) {
        command->result = COMMAND_INVALID;
        command->error = error;
        reply_send(command);
        return r;
    }
    *ret_rule = STEAL(rule);
    return 0;
}

static void rule_command_put(struct rule_book *book, struct command *command)
{
    _cleanup_(rule_freep) struct rule *rule = NULL;
    uint64_t sequence;
    if (rule_command_is_file(book, command) || rule_command_parse(command, &rule) < 0)
        return;
    const struct rule_entry *before = rule_book_find_source(book, command->name, RULE_SOURCE_API);
    bool created = !before;
    if (created && book->count == RULE_BOOK_LIMIT) {
        command_refuse(command, COMMAND_CONFLICT, "there are %d rules already", RULE_BOOK_LIMIT);
        reply_send(command);
        return;
    }
    /* Not in force before it is on its way to the disk: what was answered is never lost. */
    int r = journal_rule_put(book->journal, rule->name, rule->text, &sequence);
    if (r < 0) {
        rule_command_refuse(command, COMMAND_UNAVAILABLE,
                            "not done: the store takes no records now");
        return;
    }
    rule_book_put(book, STEAL(rule));
    rule_book_settle(book);
    r = rule_command_audit(book, command, EVENT_KIND_RULES_LOADED, command->name,
                           created ? "put: a new rule" : "put: the text was replaced", &sequence);
    if (rule_command_show(command, rule_book_find(book, command->name)) < 0) {
        rule_command_no_memory(command);
        return;
    }
    command->result = created ? COMMAND_CREATED : COMMAND_OK;
    rule_command_finish(book, command, r, sequence);
}

static void rule_command_delete(struct rule_book *book, struct command *command)
{
    uint64_t sequence;
    if (rule_command_is_file(book, command))
        return;
    struct rule_entry *entry = rule_book_find_source(book, command->name, RULE_SOURCE_API);
    if (!entry) {
        rule_command_refuse(command, COMMAND_NOT_FOUND, "there is no such rule");
        return;
    }
    int r = journal_rule_delete(book->journal, command->name, &sequence);
    if (r < 0) {
        rule_command_refuse(command, COMMAND_UNAVAILABLE,
                            "not done: the store takes no records now");
        return;
    }
    if (rule_book_find_arming(book, command->name))
        r = journal_arming_delete(book->journal, command->name, &sequence);
    rule_book_drop_arming(book, command->name);
    rule_book_drop(book, entry);
    rule_book_settle(book);
    if (r == 0)
        r = rule_command_audit(book, command, EVENT_KIND_RULES_LOADED, command->name, "deleted",
                               &sequence);
    command->result = COMMAND_OK;
    rule_command_finish(book, command, r, sequence);
}

/* ---- arming ---- */

static void rule_command_state(struct rule_book *book, struct command *command, int r,
                               uint64_t sequence)
{
    if (rule_command_show(command, rule_book_find(book, command->name)) < 0) {
        rule_command_no_memory(command);
        return;
    }
    command->result = COMMAND_OK;
    rule_command_finish(book, command, r, sequence);
}

/* NULL: refused. */
static struct rule_entry *rule_command_entry(struct rule_book *book, struct command *command)
{
    struct rule_entry *entry = rule_book_find(book, command->name);
    if (!entry)
        rule_command_refuse(command, COMMAND_NOT_FOUND, "there is no such rule");
    return entry;
}

static void rule_command_arm(struct rule_book *book, struct command *command)
{
    char text[EVENT_TEXT_SIZE], plan[RULES_PLAN_SIZE];
    uint64_t sequence;
    const struct rule_entry *entry = rule_command_entry(book, command);
    if (!entry)
        return;
    const struct rule *rule = entry->rule;
    if (rule->mode == RULE_MODE_DRY_RUN) {
        rule_command_refuse(command, COMMAND_CONFLICT,
                            "its text says dry-run, which always wins: change the text first");
        return;
    }
    /* The caller may say which text was looked at. */
    if (command->text && !digest_equal(command->text, rule->sha256)) {
        rule_command_refuse(command, COMMAND_CONFLICT,
                            "the text has changed since: look at it again");
        return;
    }
    struct rule_arming arming = {.wall_usec = clock_wall_usec()};
    text_copy(arming.name, sizeof(arming.name), rule->name);
    text_copy(arming.sha256, sizeof(arming.sha256), rule->sha256);
    text_copy(arming.asked_by, sizeof(arming.asked_by), command->asker.text);
    if (!rule_book_find_arming(book, rule->name) && book->arming_count == RULE_BOOK_LIMIT) {
        rule_command_refuse(command, COMMAND_CONFLICT, "too many rules are armed");
        return;
    }
    int r = journal_arming_put(book->journal, &arming, &sequence);
    if (r < 0) {
        rule_command_refuse(command, COMMAND_UNAVAILABLE,
                            "not done: the store takes no records now");
        return;
    }
    rule_book_put_arming(book, &arming);
    rule_book_settle(book);
    rules_format_plan(rule, plan);
    snprintf(text, sizeof(text), "armed: %.200s; text %.12s", plan, rule->sha256);
    r = rule_command_audit(book, command, EVENT_KIND_ARM, rule->name, text, &sequence);
    rule_command_state(book, command, r, sequence);
}

static void rule_command_disarm(struct rule_book *book, struct command *command)
{
    uint64_t sequence;
    const struct rule_entry *entry = rule_command_entry(book, command);
    if (!entry)
        return;
    const struct rule *rule = entry->rule;
    if (rule->mode == RULE_MODE_ARMED && entry->source == RULE_SOURCE_FILE && entry->trusted) {
        command_refuse(command, COMMAND_CONFLICT,
                       "its text in %.80s says armed: change it there, or stop it with "
                       "`memtend pause %s'",
                       entry->path, rule->name);
        reply_send(command);
        return;
    }
    /* From here on it does not act, whatever the store says. */
    rule_book_drop_arming(book, rule->name);
    rule_book_settle(book);
    int r = journal_arming_delete(book->journal, rule->name, &sequence);
    if (r == 0)
        r = rule_command_audit(book, command, EVENT_KIND_DISARM, rule->name, "disarmed", &sequence);
    rule_command_state(book, command, r, sequence);
}

void rule_book_command(struct rule_book *book, struct command *command)
{
    static const struct {
        enum command_kind kind;
        bool changes;
        void (*run)(struct rule_book *book, struct command *command);
    } table[] = {
        {COMMAND_RULE_LIST, false, rule_command_list},
        {COMMAND_RULE_GET, false, rule_command_get},
        {COMMAND_RULE_PUT, true, rule_command_put},
        {COMMAND_RULE_DELETE, true, rule_command_delete},
        {COMMAND_RULE_ARM, true, rule_command_arm},
        {COMMAND_RULE_DISARM, true, rule_command_disarm},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].kind != command->kind)
            continue;
        if (table[i].changes && !command->asker.all)
            rule_command_refuse(command, COMMAND_FORBIDDEN,
                                "rules are changed by root, the daemon's user and its admins");
        else
            table[i].run(book, command);
        return;
    }
    rule_command_refuse(command, COMMAND_INVALID, "not a command about rules");
}
