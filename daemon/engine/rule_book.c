/* SPDX-License-Identifier: MIT */
#include "engine/rule_book_entry.h"

#include "base/clock.h"
#include "base/text.h"
#include "engine/journal.h"
#include "engine/pause.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the book ---- */

struct rule_entry *rule_book_find_source(struct rule_book *book, const char *name,
                                         enum rule_source source)
{
    for (size_t i = 0; i < book->count; i++)
        if (book->entries[i].source == source && strcmp(book->entries[i].rule->name, name) == 0)
            return &book->entries[i];
    return NULL;
}

struct rule_entry *rule_book_find(struct rule_book *book, const char *name)
{
    struct rule_entry *entry = rule_book_find_source(book, name, RULE_SOURCE_FILE);
    return entry ? entry : rule_book_find_source(book, name, RULE_SOURCE_API);
}

static const struct rule_entry *rule_book_find_active(const struct rule_book *book,
                                                      const char *name)
{
    for (size_t i = 0; i < book->active_count; i++)
        if (strcmp(book->entries[book->active[i]].rule->name, name) == 0)
            return &book->entries[book->active[i]];
    return NULL;
}

struct rule_book_arming *rule_book_find_arming(struct rule_book *book, const char *name)
{
    for (size_t i = 0; i < book->arming_count; i++)
        if (strcmp(book->armings[i].arming.name, name) == 0)
            return &book->armings[i];
    return NULL;
}

int rule_book_put_arming(struct rule_book *book, const struct rule_arming *arming)
{
    struct rule_book_arming *place = rule_book_find_arming(book, arming->name);
    if (!place && book->arming_count == RULE_BOOK_LIMIT)
        return -ENOSPC;
    if (!place)
        place = &book->armings[book->arming_count++];
    *place = (struct rule_book_arming){.arming = *arming};
    return 0;
}

void rule_book_drop_arming(struct rule_book *book, const char *name)
{
    struct rule_book_arming *place = rule_book_find_arming(book, name);
    if (place)
        *place = book->armings[--book->arming_count];
}

static void rule_entry_finish(struct rule_entry *entry)
{
    rule_free(entry->rule);
    free(entry->path);
    *entry = (struct rule_entry){0};
}

void rule_book_drop(struct rule_book *book, struct rule_entry *entry)
{
    size_t index = (size_t)(entry - book->entries);
    rule_entry_finish(entry);
    book->count--;
    memmove(entry, entry + 1, (book->count - index) * sizeof(*entry));
}

int rule_book_put(struct rule_book *book, struct rule *rule)
{
    struct rule_entry *entry = rule_book_find_source(book, rule->name, RULE_SOURCE_API);
    if (!entry && book->count == RULE_BOOK_LIMIT)
        return -ENOSPC;
    if (!entry)
        entry = &book->entries[book->count++];
    bool same = entry->rule && strcmp(entry->rule->sha256, rule->sha256) == 0;
    rule_free(entry->rule);
    entry->rule = rule;
    entry->source = RULE_SOURCE_API;
    if (!same)
        entry->serial = ++book->next_serial;
    return 0;
}

/* ---- which rules are in force, and which of them act ---- */

static void rule_book_announce_edit(struct rule_book *book, struct rule_book_arming *place,
                                    const struct rule *rule)
{
    if (place->announced)
        return;
    place->announced = true;
    journal_note(book->journal, EVENT_KIND_DISARM, NULL, rule->name, NULL,
                 "its text has changed since it was armed by %s", place->arming.asked_by);
}

/* dry-run in the text always wins; then `armed` in a file we trust; then a person's arming, as
 * long as it is for this very text. */
static enum rule_state rule_book_judge(struct rule_book *book, const struct rule_entry *entry)
{
    const struct rule *rule = entry->rule;
    if (rule->mode == RULE_MODE_DRY_RUN)
        return RULE_STATE_DRY_RUN;
    if (rule->mode == RULE_MODE_ARMED && entry->source == RULE_SOURCE_FILE && entry->trusted)
        return RULE_STATE_ARMED;
    struct rule_book_arming *place = rule_book_find_arming(book, rule->name);
    if (!place)
        return RULE_STATE_DRY_RUN;
    if (!digest_equal(place->arming.sha256, rule->sha256)) {
        rule_book_announce_edit(book, place, rule);
        return RULE_STATE_DISARMED_BY_EDIT;
    }
    place->announced = false;
    return RULE_STATE_ARMED;
}

void rule_book_settle(struct rule_book *book)
{
    book->active_count = 0;
    book->generation++;
    for (size_t i = 0; i < book->count; i++) {
        struct rule_entry *entry = &book->entries[i];
        if (rule_book_find(book, entry->rule->name) != entry) {
            entry->state = RULE_STATE_SHADOWED;
            continue;
        }
        entry->state = rule_book_judge(book, entry);
        book->active[book->active_count++] = i;
    }
}

bool rule_book_has(const struct rule_book *book, const char *name)
{
    return rule_book_find_active(book, name);
}

bool rule_book_is_armed(const struct rule_book *book, const char *name)
{
    const struct rule_entry *entry = rule_book_find_active(book, name);
    return entry && entry->state == RULE_STATE_ARMED;
}

size_t rule_book_count(const struct rule_book *book)
{
    return book->active_count;
}

size_t rule_book_armed_count(const struct rule_book *book)
{
    size_t count = 0;
    for (size_t i = 0; i < book->active_count; i++)
        count += book->entries[book->active[i]].state == RULE_STATE_ARMED;
    return count;
}

/* ---- life ---- */

static int rule_book_copy_paths(struct rule_book *book, const struct rule_book_settings *settings)
{
    if (settings->config_directory) {
        book->config_directory = strdup(settings->config_directory);
        if (!book->config_directory)
            return -ENOMEM;
    }
    book->paths = calloc(settings->file_count + 1, sizeof(*book->paths));
    if (!book->paths)
        return -ENOMEM;
    for (; book->path_count < settings->file_count; book->path_count++) {
        book->paths[book->path_count] = strdup(settings->files[book->path_count]);
        if (!book->paths[book->path_count])
            return -ENOMEM;
    }
    return 0;
}

int rule_book_new(const struct rule_book_settings *settings, struct rule_book **ret_book)
{
    _cleanup_(rule_book_freep) struct rule_book *book = calloc(1, sizeof(*book));
    if (!book)
        return -ENOMEM;
    book->journal = settings->journal;
    book->pause = settings->pause;
    book->tick_usec = settings->tick_usec;
    book->ops = settings->ops;
    int r = rule_book_copy_paths(book, settings);
    if (r < 0)
        return r;
    *ret_book = STEAL(book);
    return 0;
}

void rule_book_free(struct rule_book *book)
{
    if (!book)
        return;
    for (size_t i = 0; i < book->count; i++)
        rule_entry_finish(&book->entries[i]);
    for (size_t i = 0; i < book->path_count; i++)
        free(book->paths[i]);
    free(book->paths);
    free(book->config_directory);
    free(book);
}

int rule_book_add_stored(struct rule_book *book, const char *name, const char *text,
                         struct error *error)
{
    struct error first = {0};
    size_t count = 0;
    _cleanup_(rule_freep) struct rule *rule = NULL;
    int r = rules_parse_one(text, strlen(text), &rule, &first, 1, &count);
    if (r < 0 && count > 0)
        return error_set_at(error, r, first.line, first.column, "%s", first.text);
    if (r < 0)
        return error_set(error, r, "%s", strerror(-r));
    if (strcmp(rule->name, name) != 0)
        return error_set(error, -EINVAL, "its text is for a rule `%s'", rule->name);
    r = rule_book_put(book, rule);
    if (r < 0)
        return error_set(error, r, "more than %d rules", RULE_BOOK_LIMIT);
    STEAL(rule);
    return 0;
}

int rule_book_add_arming(struct rule_book *book, const struct rule_arming *arming)
{
    return rule_book_put_arming(book, arming);
}
