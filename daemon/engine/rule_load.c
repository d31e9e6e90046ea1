/* SPDX-License-Identifier: MIT */
#include "engine/rule_book_entry.h"

#include "engine/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a load did to the rules of files. */
struct rule_load {
    size_t added, changed, removed, kept;
    char names[160]; /* of what was added, changed or removed, as far as there is room */
};

static void rule_load_name(struct rule_load *load, const char *sign, const char *name)
{
    size_t length = strlen(load->names), room = sizeof(load->names) - length;
    int n = snprintf(load->names + length, room, " %s%s", sign, name);
    if (n < 0 || (size_t)n >= room)
        load->names[length] = '\0';
}

/* The same rule as before keeps what is known about it. */
static void rule_load_merge(struct rule_book *book, struct rule_load *load,
                            struct rule_files_item *item)
{
    struct rule_entry *entry = rule_book_find_source(book, item->rule->name, RULE_SOURCE_FILE);
    struct rule_entry made = {.source = RULE_SOURCE_FILE};
    if (entry && strcmp(entry->rule->sha256, item->rule->sha256) == 0) {
        load->kept++;
        made = *entry;
    } else if (entry) {
        load->changed++;
        rule_load_name(load, "~", item->rule->name);
    } else {
        load->added++;
        rule_load_name(load, "+", item->rule->name);
        entry = &book->entries[book->count++];
        *entry = (struct rule_entry){0};
    }
    if (made.serial == 0)
        made.serial = ++book->next_serial;
    rule_free(entry->rule);
    free(entry->path);
    made.rule = STEAL(item->rule);
    made.path = STEAL(item->path);
    made.trusted = item->trusted;
    *entry = made;
}

static bool rule_load_has(const struct rule_files *files, const char *name)
{
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->items[i].rule->name, name) == 0)
            return true;
    return false;
}

static void rule_load_remove(struct rule_book *book, struct rule_load *load,
                             const struct rule_files *files)
{
    for (size_t i = book->count; i > 0; i--) {
        struct rule_entry *entry = &book->entries[i - 1];
        if (entry->source != RULE_SOURCE_FILE || rule_load_has(files, entry->rule->name))
            continue;
        load->removed++;
        rule_load_name(load, "-", entry->rule->name);
        rule_book_drop(book, entry);
    }
}

static size_t rule_load_api_count(const struct rule_book *book)
{
    size_t count = 0;
    for (size_t i = 0; i < book->count; i++)
        count += book->entries[i].source == RULE_SOURCE_API;
    return count;
}

/* `armed` in a file that others can write does not count; that must not go unnoticed. */
static void rule_load_warn(struct rule_book *book)
{
    for (size_t i = 0; i < book->count; i++) {
        const struct rule_entry *entry = &book->entries[i];
        if (entry->source == RULE_SOURCE_FILE && entry->rule->mode == RULE_MODE_ARMED &&
            !entry->trusted && entry->state != RULE_STATE_ARMED)
            journal_note(book->journal, EVENT_KIND_RULES_LOADED, NULL, entry->rule->name, NULL,
                         "not armed: others than root or the user of the daemon can write %.150s",
                         entry->path);
    }
}

int rule_book_load(struct rule_book *book, struct buffer *report)
{
    _cleanup_(rule_files_freep) struct rule_files *files = NULL;
    struct rule_load load = {0};
    int r = rule_files_read(book->config_directory, (const char *const *)book->paths,
                            book->path_count, &files, report);
    if (r < 0)
        return r;
    if (files->count + rule_load_api_count(book) > RULE_BOOK_LIMIT) {
        buffer_printf(report, "error: more than %d rules, those of the API included\n",
                      RULE_BOOK_LIMIT);
        return -EINVAL;
    }
    /* Removal first: there is room for the new ones then. */
    rule_load_remove(book, &load, files);
    for (size_t i = 0; i < files->count; i++)
        rule_load_merge(book, &load, &files->items[i]);
    rule_book_settle(book);
    journal_note(book->journal, EVENT_KIND_RULES_LOADED, NULL, NULL, NULL,
                 "rule files: %zu added, %zu changed, %zu removed, %zu as before;%s", load.added,
                 load.changed, load.removed, load.kept,
                 load.names[0] ? load.names : " nothing new");
    rule_load_warn(book);
    return 0;
}

int rule_book_check(const char *config_directory, const char *const *files, size_t file_count,
                    struct buffer *report)
{
    _cleanup_(rule_files_freep) struct rule_files *read = NULL;
    return rule_files_read(config_directory, files, file_count, &read, report);
}
