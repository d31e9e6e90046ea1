/* SPDX-License-Identifier: MIT */
#include "collect/proc_cgroup.h"

#include "base/text.h"
#include "collect/proc_file.h"

#include <string.h>

/* A line per v1 hierarchy (at most 14) of at most a path each. */
#define CGROUP_SIZE (4 * PROC_CGROUP_PATH_SIZE)

/* The path of the line "ID:<controllers>:PATH", NULL when the line is another one. */
static const char *cgroup_line_path(const char *line, size_t length, const char *controllers,
                                    size_t *ret_length)
{
    const char *end = line + length;
    const char *first = memchr(line, ':', length);
    const char *second = first ? memchr(first + 1, ':', (size_t)(end - first - 1)) : NULL;
    if (!second || second + 1 == end || second[1] != '/')
        return NULL;
    size_t name = (size_t)(second - first - 1);
    if (name != strlen(controllers) || memcmp(first + 1, controllers, name) != 0)
        return NULL;
    *ret_length = (size_t)(end - second - 1);
    return second + 1;
}

static bool cgroup_find(const char *text, size_t length, const char *controllers,
                        char ret_path[static PROC_CGROUP_PATH_SIZE])
{
    const char *end = text + length;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        if (!newline)
            return false;
        size_t path_length;
        const char *path =
            cgroup_line_path(text, (size_t)(newline - text), controllers, &path_length);
        if (path && path_length < PROC_CGROUP_PATH_SIZE) {
            memcpy(ret_path, path, path_length);
            ret_path[path_length] = '\0';
            return true;
        }
        text = newline + 1;
    }
    return false;
}

enum outcome proc_cgroup_parse(const char *text, size_t length, struct proc_cgroup *ret_cgroup)
{
    char path[PROC_CGROUP_PATH_SIZE];
    bool unified = cgroup_find(text, length, "", path);
    if (!unified || strcmp(path, "/") == 0) {
        if (cgroup_find(text, length, "name=systemd", path))
            unified = false;
        else if (!unified)
            return OUTCOME_MALFORMED;
    }
    ret_cgroup->unified = unified;
    memcpy(ret_cgroup->path, path, strlen(path) + 1);
    return OUTCOME_OK;
}

enum outcome proc_cgroup_read(int proc, pid_t pid, struct proc_cgroup *ret_cgroup)
{
    char text[CGROUP_SIZE];
    size_t length;
    enum outcome outcome = proc_file_read(proc, pid, "cgroup", text, sizeof(text), &length);
    if (outcome != OUTCOME_OK)
        return outcome;
    return proc_cgroup_parse(text, length, ret_cgroup);
}

static bool name_ends_with(const char *name, size_t length, const char *suffix)
{
    size_t suffix_length = strlen(suffix);
    return length > suffix_length &&
           memcmp(name + length - suffix_length, suffix, suffix_length) == 0;
}

/* Kinds of units that have processes; a slice only holds other units. */
static bool name_is_unit(const char *name, size_t length)
{
    static const char *const suffixes[] = {".service", ".scope", ".socket", ".mount", ".swap"};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
        if (name_ends_with(name, length, suffixes[i]))
            return true;
    return false;
}

/* The instance of a user's own manager: the units below it are his. */
static bool name_is_user_manager(const char *name, size_t length)
{
    static const char prefix[] = "user@";
    return length > strlen(prefix) && memcmp(name, prefix, strlen(prefix)) == 0 &&
           name_ends_with(name, length, ".service");
}

bool cgroup_unit(const char *path, char ret_unit[static PROCESS_UNIT_SIZE])
{
    const char *unit = NULL;
    size_t unit_length = 0;
    while (*path) {
        path += strspn(path, "/");
        size_t length = strcspn(path, "/");
        /* systemd puts "_" before names that the kernel could take for files of its own. */
        size_t escape = length > 0 && path[0] == '_';
        const char *name = path + escape;
        bool below_manager = unit && name_is_user_manager(unit, unit_length);
        bool own_scope = below_manager && length == strlen("init.scope") &&
                         memcmp(name, "init.scope", length) == 0;
        if ((!unit || below_manager) && name_is_unit(name, length - escape) && !own_scope) {
            unit = name;
            unit_length = length - escape;
        }
        path += length;
    }
    if (!unit)
        return false;
    char clean[3 * PROCESS_UNIT_SIZE];
    if (unit_length >= PROCESS_UNIT_SIZE ||
        text_clean(clean, sizeof(clean), unit, unit_length) >= PROCESS_UNIT_SIZE)
        return false;
    text_copy(ret_unit, PROCESS_UNIT_SIZE, clean);
    return true;
}
