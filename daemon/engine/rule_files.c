/* SPDX-License-Identifier: MIT */
#include "engine/rule_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RULE_FILES_PATH_SIZE 4096

/* What is being read. */
struct rule_files_reader {
    struct rule_files *files;
    struct buffer *report;
    int result; /* first failure */
};

static void rule_files_fail(struct rule_files_reader *reader, int code, const char *path,
                            const char *text)
{
    buffer_printf(reader->report, "%s: error: %s\n", path, text);
    if (reader->result == 0)
        reader->result = code;
}

static void rule_files_report(struct rule_files_reader *reader, const char *path, const char *text,
                              size_t length, const struct error *error)
{
    char line[RULES_FORMAT_SIZE];
    size_t size = rules_format_error(text, length, error, path, line, sizeof(line));
    buffer_append(reader->report, line, size);
    if (reader->result == 0)
        reader->result = -EINVAL;
}

/*
 * May `armed` in this file count? Root's file that nobody else can write: always. Run by a user:
 * the user's own files too, and any file named on the command line, because who starts the daemon
 * could arm by hand as well.
 */
static bool rule_files_trust(const struct stat *status, bool given)
{
    if (status->st_uid == 0 && !(status->st_mode & (S_IWGRP | S_IWOTH)))
        return true;
    if (geteuid() == 0)
        return false;
    return given || (status->st_uid == geteuid() && !(status->st_mode & S_IWOTH));
}

static int rule_files_slurp(int fd, char **ret_text, size_t *ret_length)
{
    size_t capacity = 16384, length = 0;
    _cleanup_(freep) char *text = malloc(capacity);
    while (text) {
        ssize_t n = read(fd, text + length, capacity - length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        length += (size_t)n;
        if (length > RULES_SOURCE_LIMIT)
            return -EFBIG;
        if (length < capacity)
            continue;
        capacity *= 2;
        char *larger = realloc(text, capacity);
        if (!larger)
            return -ENOMEM;
        text = larger;
    }
    if (!text)
        return -ENOMEM;
    *ret_length = length;
    *ret_text = STEAL(text);
    return 0;
}

/* Owner and content of the same file, whatever happens to its name meanwhile. */
static int rule_files_open(const char *path, bool given, char **ret_text, size_t *ret_length,
                           bool *ret_trusted)
{
    /* Non-blocking: a FIFO would stop the daemon here. */
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    if (S_ISDIR(status.st_mode))
        return -EISDIR;
    if (!S_ISREG(status.st_mode))
        return -EINVAL;
    *ret_trusted = rule_files_trust(&status, given);
    return rule_files_slurp(fd, ret_text, ret_length);
}

static const struct rule_files_item *rule_files_find(const struct rule_files *files,
                                                     const char *name)
{
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->items[i].rule->name, name) == 0)
            return &files->items[i];
    return NULL;
}

/* Moves one rule from the set into the list. */
static void rule_files_keep(struct rule_files_reader *reader, struct rule_set *set, size_t index,
                            const char *path, bool trusted)
{
    struct rule_files *files = reader->files;
    const struct rule *rule = set->rules[index];
    char text[RULES_FORMAT_SIZE];
    const struct rule_files_item *same = rule_files_find(files, rule->name);
    if (same) {
        snprintf(text, sizeof(text), "rule `%s' is already there: %.500s:%d", rule->name,
                 same->path, same->rule->line);
        rule_files_fail(reader, -EINVAL, path, text);
        return;
    }
    if (files->count == RULES_SET_LIMIT) {
        snprintf(text, sizeof(text), "more than %d rules in all files", RULES_SET_LIMIT);
        rule_files_fail(reader, -EINVAL, path, text);
        return;
    }
    char *copy = strdup(path);
    if (!copy) {
        rule_files_fail(reader, -ENOMEM, path, strerror(ENOMEM));
        return;
    }
    files->items[files->count++] = (struct rule_files_item){
        .rule = rule_set_take(set, index), .path = copy, .trusted = trusted};
}

static void rule_files_read_one(struct rule_files_reader *reader, const char *path, bool given)
{
    _cleanup_(freep) char *text = NULL;
    _cleanup_(rule_set_freep) struct rule_set *set = NULL;
    struct error errors[RULES_ERROR_LIMIT];
    size_t length = 0, count = 0;
    bool trusted = false;
    int r = rule_files_open(path, given, &text, &length, &trusted);
    if (r < 0) {
        rule_files_fail(reader, r, path, r == -EINVAL ? "not a regular file" : strerror(-r));
        return;
    }
    r = rules_parse(text, length, &set, errors, RULES_ERROR_LIMIT, &count);
    for (size_t i = 0; i < count; i++)
        rule_files_report(reader, path, text, length, &errors[i]);
    if (r < 0 && count == 0)
        rule_files_fail(reader, r, path, strerror(-r));
    for (size_t i = 0; set && i < set->count; i++)
        rule_files_keep(reader, set, i, path, trusted);
}

static int rule_files_is_rules(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return entry->d_name[0] != '.' && dot && strcmp(dot, ".rules") == 0;
}

/* By bytes, whatever the locale. */
static int rule_files_order(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void rule_files_read_directory(struct rule_files_reader *reader, const char *directory)
{
    char path[RULE_FILES_PATH_SIZE];
    struct dirent **entries;
    int n = snprintf(path, sizeof(path), "%s/rules.d", directory);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        rule_files_fail(reader, -ENAMETOOLONG, directory, strerror(ENAMETOOLONG));
        return;
    }
    int count = scandir(path, &entries, rule_files_is_rules, rule_files_order);
    if (count < 0) {
        if (errno != ENOENT)
            rule_files_fail(reader, -errno, path, strerror(errno));
        return;
    }
    for (int i = 0; i < count; i++) {
        n = snprintf(path, sizeof(path), "%s/rules.d/%s", directory, entries[i]->d_name);
        if (n < 0 || (size_t)n >= sizeof(path))
            rule_files_fail(reader, -ENAMETOOLONG, directory, strerror(ENAMETOOLONG));
        else
            rule_files_read_one(reader, path, false);
        free(entries[i]);
    }
    free(entries);
}

int rule_files_read(const char *config_directory, const char *const *paths, size_t path_count,
                    struct rule_files **ret_files, struct buffer *report)
{
    _cleanup_(rule_files_freep) struct rule_files *files = calloc(1, sizeof(*files));
    if (!files)
        return -ENOMEM;
    struct rule_files_reader reader = {.files = files, .report = report};
    if (config_directory)
        rule_files_read_directory(&reader, config_directory);
    for (size_t i = 0; i < path_count; i++)
        rule_files_read_one(&reader, paths[i], true);
    if (reader.result == 0)
        *ret_files = STEAL(files);
    return reader.result;
}

void rule_files_free(struct rule_files *files)
{
    if (!files)
        return;
    for (size_t i = 0; i < files->count; i++) {
        rule_free(files->items[i].rule);
        free(files->items[i].path);
    }
    free(files);
}
