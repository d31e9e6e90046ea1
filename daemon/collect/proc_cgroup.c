/* SPDX-License-Identifier: MIT */
#include "collect/proc_cgroup.h"

#include "base/text.h"
#include "collect/proc_file.h"

#include <string.h>

/* A line per v1 hierarchy (at most 14) of at most a path each. */
#define CGROUP_SIZE (4 * PROC_CGROUP_PATH_SIZE)

/* A line "ID:CONTROLLERS:PATH"; controllers are empty in that of v2. */
struct cgroup_line {
    const char *controllers, *path;
    size_t controllers_length, path_length;
};

static bool cgroup_line_parse(const char *line, size_t length, struct cgroup_line *ret_line)
{
    const char *end = line + length;
    const char *first = memchr(line, ':', length);
    const char *second = first ? memchr(first + 1, ':', (size_t)(end - first - 1)) : NULL;
    if (!second || second + 1 == end || second[1] != '/')
        return false;
    *ret_line = (struct cgroup_line){
        .controllers = first + 1,
        .controllers_length = (size_t)(second - first - 1),
        .path = second + 1,
        .path_length = (size_t)(end - second - 1),
    };
    return true;
}

static bool cgroup_line_is(const struct cgroup_line *line, const char *controllers)
{
    return line->controllers_length == strlen(controllers) &&
           memcmp(line->controllers, controllers, line->controllers_length) == 0;
}

/* "memory", or in a list as in "cpu,memory": who mounts v1 may put several into one hierarchy. */
static bool cgroup_line_has_memory(const struct cgroup_line *line)
{
    static const char name[] = "memory";
    const char *at = line->controllers, *end = at + line->controllers_length;
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        if ((size_t)(stop - at) == strlen(name) && memcmp(at, name, strlen(name)) == 0)
            return true;
        at = stop + 1;
    }
    return false;
}

/* The lines that are asked for: the first one of each kind counts. */
enum cgroup_kept { KEPT_UNIFIED, KEPT_SYSTEMD, KEPT_MEMORY, KEPT_COUNT };

static void cgroup_keep(const struct cgroup_line *line, struct cgroup_line kept[KEPT_COUNT])
{
    bool is[KEPT_COUNT] = {[KEPT_UNIFIED] = line->controllers_length == 0,
                           [KEPT_SYSTEMD] = cgroup_line_is(line, "name=systemd"),
                           [KEPT_MEMORY] = cgroup_line_has_memory(line)};
    for (enum cgroup_kept which = 0; which < KEPT_COUNT; which++)
        if (is[which] && !kept[which].path)
            kept[which] = *line;
}

static void cgroup_path_copy(const struct cgroup_line *line,
                             char ret_path[static PROC_CGROUP_PATH_SIZE])
{
    memcpy(ret_path, line->path, line->path_length);
    ret_path[line->path_length] = '\0';
}

enum outcome proc_cgroup_parse(const char *text, size_t length, struct proc_cgroup *ret_cgroup)
{
    struct cgroup_line kept[KEPT_COUNT] = {0}, line;
    const char *end = text + length;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        if (!newline)
            break;
        if (cgroup_line_parse(text, (size_t)(newline - text), &line) &&
            line.path_length < PROC_CGROUP_PATH_SIZE)
            cgroup_keep(&line, kept);
        text = newline + 1;
    }
    const struct cgroup_line *unified = &kept[KEPT_UNIFIED], *unit = unified;
    bool root = unified->path && unified->path_length == 1;
    if ((!unified->path || root) && kept[KEPT_SYSTEMD].path)
        unit = &kept[KEPT_SYSTEMD];
    const struct cgroup_line *memory = kept[KEPT_MEMORY].path ? &kept[KEPT_MEMORY] : unified;
    if (!unit->path)
        return OUTCOME_MALFORMED;
    ret_cgroup->unified = unit == unified;
    cgroup_path_copy(unit, ret_cgroup->path);
    ret_cgroup->memory_unified = memory == unified;
    ret_cgroup->memory_path[0] = '\0';
    if (memory->path)
        cgroup_path_copy(memory, ret_cgroup->memory_path);
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
