/* SPDX-License-Identifier: MIT */
#include "engine/pause.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/journal.h"
#include "engine/reply.h"
#include "engine/rule_book.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PAUSE_FILE "PAUSE"

/* A person who makes the file waits for it to work; one stat a second costs nothing. */
#define PAUSE_LOOK_USEC USEC_PER_SEC

#define PAUSE_REASON_SIZE 200

/* One pause that a person asked for. */
struct pause_entry {
    char rule[RECEIPT_RULE_SIZE]; /* "" = everything */
    bool on;
    uint64_t until_mono_usec; /* 0 = until resumed */
    uint64_t until_wall_usec;
    char reason[PAUSE_REASON_SIZE];
};

/* Index 0 is the pause of everything, then those of rules. */
#define PAUSE_ENTRIES (1 + PAUSE_RULES)

struct pause {
    struct journal *journal;
    char *directory; /* owned, NULL = none */
    uint64_t looked_usec;
    bool file_on;
    struct timespec file_mtime;
    char file_reason[PAUSE_REASON_SIZE];
    struct pause_entry entries[PAUSE_ENTRIES];
};

int pause_new(struct journal *journal, const char *directory, struct pause **ret_pause)
{
    _cleanup_(pause_freep) struct pause *pause = calloc(1, sizeof(*pause));
    if (!pause)
        return -ENOMEM;
    pause->journal = journal;
    if (directory) {
        pause->directory = strdup(directory);
        if (!pause->directory)
            return -ENOMEM;
    }
    *ret_pause = STEAL(pause);
    return 0;
}

void pause_free(struct pause *pause)
{
    if (!pause)
        return;
    free(pause->directory);
    free(pause);
}

/* ---- what is on ---- */

/* Index of the pause of this rule, PAUSE_ENTRIES when there is none. */
static size_t pause_find(const struct pause *pause, const char *rule)
{
    size_t i = 0;
    while (rule[0] && ++i < PAUSE_ENTRIES)
        if (pause->entries[i].on && strcmp(pause->entries[i].rule, rule) == 0)
            break;
    return i;
}

bool pause_is_on(const struct pause *pause, const char *rule, const char **ret_reason)
{
    const char *reason = NULL;
    if (pause->file_on)
        reason = pause->file_reason;
    else if (pause->entries[0].on)
        reason = pause->entries[0].reason;
    for (size_t i = 1; !reason && rule && rule[0] && i < PAUSE_ENTRIES; i++)
        if (pause->entries[i].on && strcmp(pause->entries[i].rule, rule) == 0)
            reason = pause->entries[i].reason;
    if (reason && ret_reason)
        *ret_reason = reason;
    return reason;
}

void pause_status(const struct pause *pause, struct status *status)
{
    const char *reason = "";
    status->paused = pause_is_on(pause, NULL, &reason);
    status->paused_until_wall_usec =
        pause->file_on || !pause->entries[0].on ? 0 : pause->entries[0].until_wall_usec;
    text_copy(status->pause_reason, sizeof(status->pause_reason), reason);
}

/* ---- what is kept ---- */

static void pause_describe(struct pause_entry *entry, const char *asked_by)
{
    char until[CLOCK_RFC3339_SIZE];
    if (entry->until_wall_usec == 0) {
        snprintf(entry->reason, sizeof(entry->reason), "paused by %.63s until resumed", asked_by);
        return;
    }
    clock_format_rfc3339(entry->until_wall_usec, until);
    snprintf(entry->reason, sizeof(entry->reason), "paused by %.63s until %s", asked_by, until);
}

static void pause_setting_name(size_t index, char *ret_name, size_t size)
{
    if (index == 0)
        text_copy(ret_name, size, PAUSE_SETTING);
    else
        snprintf(ret_name, size, PAUSE_SETTING ".%zu", index);
}

/* "UNTIL RULE WHO": UNTIL in wall-clock microseconds, RULE `*` for everything. */
static int pause_store(struct pause *pause, const struct pause_entry *entry, const char *asked_by,
                       uint64_t *ret_sequence)
{
    char name[32], value[256];
    pause_setting_name((size_t)(entry - pause->entries), name, sizeof(name));
    snprintf(value, sizeof(value), "%" PRIu64 " %s %.63s", entry->until_wall_usec,
             entry->rule[0] ? entry->rule : "*", asked_by);
    return journal_setting(pause->journal, name, entry->on ? value : NULL, ret_sequence);
}

static bool pause_setting_index(const char *name, size_t *ret_index)
{
    uint64_t index = 0;
    size_t length = strlen(PAUSE_SETTING);
    if (strcmp(name, PAUSE_SETTING) == 0) {
        *ret_index = 0;
        return true;
    }
    if (!text_starts_with(name, PAUSE_SETTING ".") ||
        text_parse_u64(name + length + 1, &index) < 0 || index == 0 || index >= PAUSE_ENTRIES)
        return false;
    *ret_index = (size_t)index;
    return true;
}

static int pause_parse(const char *value, size_t index, struct pause_entry *ret_entry,
                       const char **ret_who)
{
    struct pause_entry entry = {.on = true};
    size_t used;
    if (text_scan_u64(value, strlen(value), &entry.until_wall_usec, &used) < 0 ||
        value[used] != ' ')
        return -EINVAL;
    const char *rule = value + used + 1, *space = strchr(rule, ' ');
    if (!space || (size_t)(space - rule) >= sizeof(entry.rule))
        return -EINVAL;
    text_copy_span(entry.rule, sizeof(entry.rule), rule, (size_t)(space - rule));
    if (index == 0 ? strcmp(entry.rule, "*") != 0 : !text_is_name(entry.rule, RULE_NAME_LIMIT))
        return -EINVAL;
    if (index == 0)
        entry.rule[0] = '\0';
    *ret_who = space + 1;
    *ret_entry = entry;
    return 0;
}

int pause_load(struct pause *pause, const char *name, const char *value, uint64_t mono_usec,
               uint64_t wall_usec)
{
    struct pause_entry entry;
    const char *who;
    size_t index;
    if (!pause_setting_index(name, &index))
        return -ENOENT;
    if (pause_parse(value, index, &entry, &who) < 0) {
        pause->entries[0] = (struct pause_entry){.on = true};
        text_copy(pause->entries[0].reason, sizeof(pause->entries[0].reason),
                  "paused until resumed: the stored pause cannot be read");
        return -EINVAL;
    }
    /* One that ended while the daemon was down ends with the first pause_on_time(). */
    if (entry.until_wall_usec > 0)
        entry.until_mono_usec =
            mono_usec +
            (entry.until_wall_usec > wall_usec ? entry.until_wall_usec - wall_usec : 0) + 1;
    pause_describe(&entry, who);
    pause->entries[index] = entry;
    return 0;
}

/* ---- time, and the file ---- */

static void pause_note(struct pause *pause, enum event_kind kind, const char *rule,
                       const char *text)
{
    journal_note(pause->journal, kind, NULL, rule, NULL, "%s", text);
}

static void pause_end(struct pause *pause, size_t index)
{
    struct pause_entry *entry = &pause->entries[index];
    struct pause_entry ended = *entry;
    *entry = (struct pause_entry){0};
    pause_store(pause, entry, "", NULL);
    pause_note(pause, EVENT_KIND_RESUME, ended.rule, "the pause is over");
}

/* The first line of the file says why; none is fine too. */
static void pause_read_reason(struct pause *pause, int directory, const struct stat *status)
{
    char line[PAUSE_REASON_SIZE / 2] = "", clean[PAUSE_REASON_SIZE - 40];
    size_t length = 0;
    if (S_ISREG(status->st_mode))
        file_read_at(directory, PAUSE_FILE, line, sizeof(line), &length);
    text_clean(clean, sizeof(clean), line, strcspn(line, "\r\n"));
    snprintf(pause->file_reason, sizeof(pause->file_reason), "the file PAUSE is there%s%s",
             clean[0] ? ": " : "", clean);
}

/* Opened anew each time: a directory that was replaced is looked into as well. */
static int pause_stat(const struct pause *pause, int *ret_directory, struct stat *ret_status)
{
    _cleanup_(closep) int directory = open(pause->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0 || fstatat(directory, PAUSE_FILE, ret_status, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    *ret_directory = STEAL_FD(directory);
    return 0;
}

static void pause_look(struct pause *pause)
{
    struct stat status = {0};
    bool before = pause->file_on;
    _cleanup_(closep) int directory = -1;
    int r = pause_stat(pause, &directory, &status);
    pause->file_on = r != -ENOENT && r != -ENOTDIR;
    if (r < 0 && pause->file_on) {
        /* Somebody may want a stop that we cannot see. */
        snprintf(pause->file_reason, sizeof(pause->file_reason),
                 "cannot look for PAUSE in %.100s: %s", pause->directory, strerror(-r));
    } else if (r == 0 && (!before || status.st_mtim.tv_sec != pause->file_mtime.tv_sec ||
                          status.st_mtim.tv_nsec != pause->file_mtime.tv_nsec)) {
        pause->file_mtime = status.st_mtim;
        pause_read_reason(pause, directory, &status);
    }
    if (pause->file_on && !before)
        pause_note(pause, EVENT_KIND_PAUSE, NULL, pause->file_reason);
    else if (before && !pause->file_on)
        pause_note(pause, EVENT_KIND_RESUME, NULL, "the file PAUSE is gone");
}

void pause_on_time(struct pause *pause, uint64_t mono_usec)
{
    for (size_t i = 0; i < PAUSE_ENTRIES; i++) {
        const struct pause_entry *entry = &pause->entries[i];
        if (entry->on && entry->until_mono_usec > 0 && mono_usec >= entry->until_mono_usec)
            pause_end(pause, i);
    }
    if (!pause->directory ||
        (pause->looked_usec > 0 && mono_usec - pause->looked_usec < PAUSE_LOOK_USEC))
        return;
    pause->looked_usec = mono_usec;
    pause_look(pause);
}

/* ---- commands ---- */

static void pause_refuse(struct command *command, enum command_result result, const char *text)
{
    command_refuse(command, result, "%s", text);
    reply_send(command);
}

/* The event is the answer, and what it waits for. */
static void pause_answer(struct pause *pause, struct command *command, enum event_kind kind,
                         const char *text, int r)
{
    uint64_t sequence = 0;
    struct event *event = calloc(1, sizeof(*event));
    if (!event) {
        pause_refuse(command, COMMAND_UNAVAILABLE, "done, but out of memory");
        return;
    }
    command->events = event;
    command->event_count = 1;
    event->kind = kind;
    text_copy(event->rule, sizeof(event->rule), command->name);
    text_copy(event->asked_by, sizeof(event->asked_by), command->asker.text);
    text_copy(event->text, sizeof(event->text), text);
    int queued = journal_event(pause->journal, event, &sequence);
    command->result = COMMAND_OK;
    if (r < 0 || queued < 0)
        pause_refuse(command, COMMAND_UNAVAILABLE,
                     "done, but it will not survive a restart: the store takes no records");
    else
        journal_reply_when_durable(pause->journal, command, sequence);
}

static size_t pause_place(const struct pause *pause, const char *rule)
{
    size_t place = pause_find(pause, rule);
    if (place < PAUSE_ENTRIES)
        return place;
    for (place = 1; place < PAUSE_ENTRIES && pause->entries[place].on; place++)
        ;
    return place;
}

static void pause_begin(struct pause *pause, const struct rule_book *book, struct command *command)
{
    if (command->name[0] && !rule_book_has(book, command->name)) {
        pause_refuse(command, COMMAND_NOT_FOUND, "there is no such rule");
        return;
    }
    size_t place = pause_place(pause, command->name);
    if (place == PAUSE_ENTRIES) {
        command_refuse(command, COMMAND_CONFLICT,
                       "%d rules are paused already: pause everything, or resume one", PAUSE_RULES);
        reply_send(command);
        return;
    }
    struct pause_entry *entry = &pause->entries[place];
    *entry = (struct pause_entry){.on = true};
    text_copy(entry->rule, sizeof(entry->rule), command->name);
    if (command->for_usec > 0) {
        entry->until_mono_usec = clock_mono_usec() + command->for_usec;
        entry->until_wall_usec = clock_wall_usec() + command->for_usec;
    }
    pause_describe(entry, command->asker.text);
    int r = pause_store(pause, entry, command->asker.text, NULL);
    pause_answer(pause, command, EVENT_KIND_PAUSE, entry->reason, r);
}

static void pause_resume(struct pause *pause, struct command *command)
{
    size_t place = pause_find(pause, command->name);
    const char *text = "resumed";
    int r = 0;
    if (place < PAUSE_ENTRIES && pause->entries[place].on) {
        pause->entries[place] = (struct pause_entry){0};
        r = pause_store(pause, &pause->entries[place], "", NULL);
    } else {
        text = "there was no pause to end";
    }
    /* Only who made the file can take it away. */
    if (pause->file_on)
        text = "resumed, but the file PAUSE in the configuration directory still stops all rules";
    pause_answer(pause, command, EVENT_KIND_RESUME, text, r);
}

void pause_command(struct pause *pause, const struct rule_book *book, struct command *command)
{
    if (!command->asker.all)
        pause_refuse(command, COMMAND_FORBIDDEN,
                     "rules are paused by root, the daemon's user and its admins");
    else if (command->kind == COMMAND_PAUSE)
        pause_begin(pause, book, command);
    else
        pause_resume(pause, command);
}
