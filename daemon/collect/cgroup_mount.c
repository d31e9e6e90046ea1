/* SPDX-License-Identifier: MIT */
#include "collect/cgroup_mount.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Of each version, before it is known which one counts memory. */
#define MOUNT_ENTRIES ((size_t)8)

/* "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG...] - TYPE SOURCE SUPER" */
enum mount_field { MOUNT_ROOT = 3, MOUNT_POINT = 4, MOUNT_FIXED = 6 };
/* After the lone "-". */
enum mount_tail { MOUNT_TYPE, MOUNT_SOURCE, MOUNT_SUPER, MOUNT_TAIL_COUNT };

struct mount_span {
    const char *text;
    size_t length;
};

static bool span_is(struct mount_span span, const char *word)
{
    return span.length == strlen(word) && memcmp(span.text, word, span.length) == 0;
}

/* The next word of the line; moves *text behind it. Empty at the end. */
static struct mount_span span_next(const char **text, const char *end)
{
    const char *begin = *text;
    while (begin < end && *begin == ' ')
        begin++;
    const char *stop = memchr(begin, ' ', (size_t)(end - begin));
    stop = stop ? stop : end;
    *text = stop;
    return (struct mount_span){begin, (size_t)(stop - begin)};
}

/* A word in a comma-separated list. */
static bool span_lists(struct mount_span span, const char *word)
{
    const char *at = span.text, *end = span.text + span.length;
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        if (span_is((struct mount_span){at, (size_t)(stop - at)}, word))
            return true;
        at = stop + 1;
    }
    return false;
}

/* Blanks and backslashes are written as three octal digits. */
static bool span_path(struct mount_span span, char ret_path[static CGROUP_MOUNT_PATH_SIZE])
{
    size_t used = 0;
    for (size_t i = 0; i < span.length && used + 1 < CGROUP_MOUNT_PATH_SIZE; i++) {
        const char *at = span.text + i;
        char byte = *at;
        if (byte == '\\' && span.length - i > 3 && strspn(at + 1, "01234567") >= 3) {
            byte = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
            i += 3;
        }
        ret_path[used++] = byte;
    }
    ret_path[used] = '\0';
    return used > 0 && used + 1 < CGROUP_MOUNT_PATH_SIZE && ret_path[0] == '/' &&
           strlen(ret_path) == used;
}

static bool mount_parse_line(const char *line, const char *end,
                             struct cgroup_mount_entry *ret_entry)
{
    struct mount_span fixed[MOUNT_FIXED], tail[MOUNT_TAIL_COUNT];
    for (size_t i = 0; i < MOUNT_FIXED; i++)
        fixed[i] = span_next(&line, end);
    struct mount_span word = span_next(&line, end);
    while (word.length > 0 && !span_is(word, "-"))
        word = span_next(&line, end);
    for (size_t i = 0; i < MOUNT_TAIL_COUNT; i++)
        tail[i] = span_next(&line, end);
    bool unified = span_is(tail[MOUNT_TYPE], "cgroup2");
    bool memory = span_is(tail[MOUNT_TYPE], "cgroup") && span_lists(tail[MOUNT_SUPER], "memory");
    if (!unified && !memory)
        return false;
    ret_entry->unified = unified;
    return span_path(fixed[MOUNT_ROOT], ret_entry->root) &&
           span_path(fixed[MOUNT_POINT], ret_entry->point);
}

size_t cgroup_mounts_parse(const char *text, size_t length, struct cgroup_mount_entry *entries,
                           size_t limit)
{
    const char *end = text + length;
    size_t count = 0;
    while (text < end && count < limit) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        if (!newline)
            break;
        struct cgroup_mount_entry entry;
        if (mount_parse_line(text, newline, &entry))
            entries[count++] = entry;
        text = newline + 1;
    }
    return count;
}

/* Absolute paths are taken below root. */
static int mount_open(int root, const char *path)
{
    path += strspn(path, "/");
    return openat(root, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Controllers that groups of the unified hierarchy may have here: blank-separated names. */
static bool mount_counts_memory(int directory)
{
    char text[512];
    size_t length;
    if (file_read_at(directory, "cgroup.controllers", text, sizeof(text), &length) < 0)
        return false;
    for (char *at = text; *at; at++)
        if (*at == ' ' || *at == '\n')
            *at = ',';
    return span_lists((struct mount_span){text, length}, "memory");
}

static void mounts_add(struct cgroup_mounts *mounts, enum cgroup_kind kind, int *directory,
                       const char *root)
{
    struct cgroup_mount *mount = &mounts->mounts[mounts->count++];
    mounts->kind = kind;
    mount->directory = STEAL_FD(*directory);
    text_copy(mount->root, sizeof(mount->root), root);
}

/* All mounts of one kind; kinds are asked for in the order of their worth. */
static void mounts_take(int root, const struct cgroup_mount_entry *entries, size_t count,
                        enum cgroup_kind kind, struct cgroup_mounts *mounts)
{
    bool unified = kind != CGROUP_KIND_V1;
    for (size_t i = 0; i < count && mounts->count < CGROUP_MOUNT_LIMIT; i++) {
        if (entries[i].unified != unified)
            continue;
        _cleanup_(closep) int directory = mount_open(root, entries[i].point);
        if (directory < 0 || (kind == CGROUP_KIND_V2 && !mount_counts_memory(directory)))
            continue;
        mounts_add(mounts, kind, &directory, entries[i].root);
    }
}

void cgroup_mounts_find(int root, const char *mountinfo_path, struct cgroup_mounts *ret_mounts)
{
    static const enum cgroup_kind kinds[] = {CGROUP_KIND_V2, CGROUP_KIND_V1,
                                             CGROUP_KIND_V2_NO_MEMORY};
    struct cgroup_mount_entry entries[MOUNT_ENTRIES];
    _cleanup_(freep) char *text = NULL;
    size_t length, count = 0;
    if (file_read_all(mountinfo_path, CGROUP_MOUNT_TEXT_LIMIT, &text, &length) == 0)
        count = cgroup_mounts_parse(text, length, entries, MOUNT_ENTRIES);
    *ret_mounts = (struct cgroup_mounts){0};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && ret_mounts->count == 0; i++)
        mounts_take(root, entries, count, kinds[i], ret_mounts);
}

int cgroup_mounts_open(int root, const char *path, struct cgroup_mounts *ret_mounts)
{
    _cleanup_(closep) int directory = mount_open(root, path);
    if (directory < 0)
        return -errno;
    enum cgroup_kind kind = CGROUP_KIND_NONE;
    if (mount_counts_memory(directory))
        kind = CGROUP_KIND_V2;
    else if (faccessat(directory, "memory.usage_in_bytes", F_OK, 0) == 0)
        kind = CGROUP_KIND_V1;
    else if (faccessat(directory, "cgroup.controllers", F_OK, 0) == 0)
        kind = CGROUP_KIND_V2_NO_MEMORY;
    if (kind == CGROUP_KIND_NONE)
        return -EINVAL;
    *ret_mounts = (struct cgroup_mounts){0};
    mounts_add(ret_mounts, kind, &directory, "/");
    return 0;
}

void cgroup_mounts_finish(struct cgroup_mounts *mounts)
{
    for (size_t i = 0; i < mounts->count; i++)
        close(mounts->mounts[i].directory);
    *mounts = (struct cgroup_mounts){0};
}

/* No file name of the kernel's: "..", and what a runtime may leave behind when it goes. */
static bool path_is_usable(const char *path)
{
    static const char deleted[] = " (deleted)";
    size_t length = strlen(path), suffix = strlen(deleted);
    if (length >= CGROUP_MOUNT_PATH_SIZE ||
        (length >= suffix && strcmp(path + length - suffix, deleted) == 0))
        return false;
    for (const char *at = strstr(path, ".."); at; at = strstr(at + 1, ".."))
        if ((at == path || at[-1] == '/') && (at[2] == '/' || at[2] == '\0'))
            return false;
    return true;
}

const struct cgroup_mount *cgroup_mounts_place(const struct cgroup_mounts *mounts, const char *path,
                                               const char **ret_relative)
{
    for (size_t i = 0; i < mounts->count; i++) {
        const char *root = mounts->mounts[i].root;
        size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);
        if (path[0] != '/' || strncmp(path, root, length) != 0)
            continue;
        const char *rest = path + length;
        if ((*rest != '/' && *rest != '\0') || !path_is_usable(rest))
            continue;
        rest += strspn(rest, "/");
        *ret_relative = *rest ? rest : ".";
        return &mounts->mounts[i];
    }
    return NULL;
}
