/* SPDX-License-Identifier: MIT */
#include "collect/cgroup_memory.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "collect/cgroup_stat.h"
#include "collect/keyed.h"
#include "collect/pressure.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* memory.stat is the largest: 1.5 KiB on 6.18, below a page by the kernel's own rule. */
#define MEMORY_TEXT_SIZE 8192

bool cgroup_number_parse(const char *text, size_t length, int64_t *ret_number)
{
    uint64_t number;
    size_t used;
    if (text_scan_u64(text, length, &number, &used) < 0 || used + 1 != length ||
        text[used] != '\n' || number > KEYED_VALUE_MAX)
        return false;
    *ret_number = (int64_t)number;
    return true;
}

static void take_number(const char *text, size_t length, enum cgroup_value value,
                        struct cgroup *group)
{
    int64_t number;
    if (cgroup_number_parse(text, length, &number))
        cgroup_set(group, value, number);
    else
        cgroup_clear(group, value);
}

static void take_stat(const char *text, size_t length, enum cgroup_value value,
                      struct cgroup *group)
{
    (void)value;
    cgroup_stat_parse(text, length, group);
}

static void take_stat_v1(const char *text, size_t length, enum cgroup_value value,
                         struct cgroup *group)
{
    (void)value;
    cgroup_stat_parse_v1(text, length, group);
}

struct memory_key {
    const char *key;
    enum cgroup_value value;
};

#define MEMORY_KEYS 4

static void take_keys(const struct memory_key *table, size_t count, const char *text, size_t length,
                      struct cgroup *group)
{
    const char *keys[MEMORY_KEYS] = {0};
    int64_t values[MEMORY_KEYS];
    for (size_t i = 0; i < count; i++)
        keys[i] = table[i].key;
    uint32_t present = keyed_parse(text, length, keys, count, values);
    for (size_t i = 0; i < count; i++) {
        if (present >> i & 1)
            cgroup_set(group, table[i].value, values[i]);
        else
            cgroup_clear(group, table[i].value);
    }
}

static void take_events(const char *text, size_t length, enum cgroup_value value,
                        struct cgroup *group)
{
    static const struct memory_key keys[MEMORY_KEYS] = {
        {"high", CGROUP_VALUE_EVENTS_HIGH},
        {"max", CGROUP_VALUE_EVENTS_MAX},
        {"oom", CGROUP_VALUE_EVENTS_OOM},
        {"oom_kill", CGROUP_VALUE_EVENTS_OOM_KILL},
    };
    (void)value;
    take_keys(keys, MEMORY_KEYS, text, length, group);
}

static void take_local_events(const char *text, size_t length, enum cgroup_value value,
                              struct cgroup *group)
{
    static const struct memory_key keys[] = {
        {"max", CGROUP_VALUE_LOCAL_MAX},
        {"oom_kill", CGROUP_VALUE_LOCAL_OOM_KILL},
    };
    (void)value;
    take_keys(keys, sizeof(keys) / sizeof(keys[0]), text, length, group);
}

/* v1 counts the kills in the group itself only. */
static void take_oom_control(const char *text, size_t length, enum cgroup_value value,
                             struct cgroup *group)
{
    const struct memory_key key = {"oom_kill", value};
    take_keys(&key, 1, text, length, group);
}

static void take_pressure(const char *text, size_t length, enum cgroup_value value,
                          struct cgroup *group)
{
    struct pressure pressure;
    (void)value;
    cgroup_clear(group, CGROUP_VALUE_PSI_SOME_AVG10);
    cgroup_clear(group, CGROUP_VALUE_PSI_FULL_AVG10);
    if (!pressure_shares(text, length, &pressure))
        return;
    cgroup_set(group, CGROUP_VALUE_PSI_SOME_AVG10, pressure.some[0]);
    cgroup_set(group, CGROUP_VALUE_PSI_FULL_AVG10, pressure.full[0]);
}

struct memory_file {
    const char *name;
    void (*take)(const char *text, size_t length, enum cgroup_value value, struct cgroup *group);
    enum cgroup_depth depth; /* read from this one on */
    enum cgroup_value value;
};

/* The first two are what every group with a memory of its own has, the root only memory.stat. */
enum memory_must { MUST_CURRENT, MUST_STAT, MUST_COUNT };

static const struct memory_file files_v2[] = {
    [MUST_CURRENT] = {"memory.current", take_number, CGROUP_DEPTH_NEEDED, CGROUP_VALUE_CURRENT},
    [MUST_STAT] = {"memory.stat", take_stat, CGROUP_DEPTH_NEEDED, 0},
    {"memory.swap.current", take_number, CGROUP_DEPTH_NEEDED, CGROUP_VALUE_SWAP},
    {"memory.max", take_number, CGROUP_DEPTH_NEEDED, CGROUP_VALUE_MAX},
    {"memory.events", take_events, CGROUP_DEPTH_NEEDED, 0},
    {"memory.high", take_number, CGROUP_DEPTH_ALL, CGROUP_VALUE_HIGH},
    {"memory.peak", take_number, CGROUP_DEPTH_ALL, CGROUP_VALUE_PEAK},
    {"memory.swap.max", take_number, CGROUP_DEPTH_ALL, CGROUP_VALUE_SWAP_MAX},
    {"memory.events.local", take_local_events, CGROUP_DEPTH_ALL, 0},
    {"memory.pressure", take_pressure, CGROUP_DEPTH_ALL, 0},
    {.name = NULL},
};

static const struct memory_file files_v1[] = {
    [MUST_CURRENT] = {"memory.usage_in_bytes", take_number, CGROUP_DEPTH_NEEDED,
                      CGROUP_VALUE_CURRENT},
    [MUST_STAT] = {"memory.stat", take_stat_v1, CGROUP_DEPTH_NEEDED, 0},
    {"memory.kmem.usage_in_bytes", take_number, CGROUP_DEPTH_NEEDED, CGROUP_VALUE_KERNEL},
    {"memory.limit_in_bytes", take_number, CGROUP_DEPTH_NEEDED, CGROUP_VALUE_MAX},
    {"memory.oom_control", take_oom_control, CGROUP_DEPTH_NEEDED, CGROUP_VALUE_LOCAL_OOM_KILL},
    {"memory.max_usage_in_bytes", take_number, CGROUP_DEPTH_ALL, CGROUP_VALUE_PEAK},
    {"memory.failcnt", take_number, CGROUP_DEPTH_ALL, CGROUP_VALUE_LOCAL_MAX},
    {.name = NULL},
};

static void memory_forget(const struct memory_file *file, struct cgroup *group)
{
    /* Nothing is in an empty text: every value of the file is taken out. */
    file->take("", 0, file->value, group);
}

/* Files that the kernel does not have are none; any other failure is one of the whole reading. */
static int memory_read_files(int directory, const struct memory_file *files,
                             enum cgroup_depth depth, struct cgroup *group, uint32_t *ret_present)
{
    char text[MEMORY_TEXT_SIZE];
    uint32_t present = 0;
    for (size_t i = 0; files[i].name; i++) {
        size_t length;
        if (files[i].depth > depth)
            continue;
        int r = file_read_at(directory, files[i].name, text, sizeof(text), &length);
        if (r == 0) {
            files[i].take(text, length, files[i].value, group);
            present |= UINT32_C(1) << i;
        } else if (r == -ENOENT || r == -EOPNOTSUPP)
            memory_forget(&files[i], group);
        else
            return r;
    }
    *ret_present = present;
    return 0;
}

/* ENODEV: a file of a group that was removed after it was opened. */
static enum outcome memory_outcome(int error)
{
    return error == -ENODEV ? OUTCOME_GONE : outcome_of_process(error);
}

/* Without memory.stat it is gone, or nothing counts the memory of this group by itself. */
static enum outcome memory_read_directory(int directory, const struct memory_file *files,
                                          enum cgroup_depth depth, struct cgroup *group)
{
    uint32_t present = 0;
    int r = memory_read_files(directory, files, depth, group, &present);
    if (r < 0)
        return memory_outcome(r);
    if (present >> MUST_STAT & 1)
        return OUTCOME_OK;
    bool there = faccessat(directory, "cgroup.procs", F_OK, 0) == 0;
    return there && !(present >> MUST_CURRENT & 1) ? OUTCOME_ABSENT : OUTCOME_GONE;
}

enum outcome cgroup_memory_read(const struct cgroup_mounts *mounts,
                                const struct cgroup_mount *mount, const char *relative,
                                enum cgroup_depth depth, uint64_t mono_usec, struct cgroup *group)
{
    const struct memory_file *files = mounts->kind == CGROUP_KIND_V1 ? files_v1 : files_v2;
    /* One directory for all files: a group that is made anew under its name is another one. */
    _cleanup_(closep) int directory =
        openat(mount->directory, relative, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    enum outcome outcome = directory < 0 ? memory_outcome(-errno)
                                         : memory_read_directory(directory, files, depth, group);
    group->unified = mounts->kind != CGROUP_KIND_V1;
    group->mono_usec = mono_usec;
    if (outcome == OUTCOME_OK)
        cgroup_derive(group);
    else
        group->present = 0;
    return outcome;
}

bool cgroup_memory_parent(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash || path[1] == '\0')
        return false;
    slash[slash == path] = '\0';
    return true;
}

void cgroup_memory_show_path(const char *path, char ret_text[static CGROUP_PATH_SIZE])
{
    static const char gap[] = "...";
    char clean[3 * CGROUP_MOUNT_PATH_SIZE];
    size_t length = text_clean(clean, sizeof(clean), path, strlen(path));
    if (length < CGROUP_PATH_SIZE) {
        memcpy(ret_text, clean, length + 1);
        return;
    }
    /* Its end tells groups apart, its beginning says whose they are. */
    size_t half = (CGROUP_PATH_SIZE - sizeof(gap)) / 2;
    const char *tail = clean + length - half;
    while (((unsigned char)*tail & 0xC0) == 0x80)
        tail++;
    size_t used = text_copy_span(ret_text, half + 1, clean, length);
    used += text_copy(ret_text + used, CGROUP_PATH_SIZE - used, gap);
    text_copy(ret_text + used, CGROUP_PATH_SIZE - used, tail);
}

/* Limits of the ancestors; false when one of them could not be read: then nobody knows. */
static bool memory_read_limits(const struct cgroup_mounts *mounts, char *path, uint64_t mono_usec,
                               struct cgroup *group)
{
    while (cgroup_memory_parent(path)) {
        const char *relative;
        const struct cgroup_mount *mount = cgroup_mounts_place(mounts, path, &relative);
        if (!mount)
            return true; /* above what is mounted */
        struct cgroup level = {0};
        cgroup_memory_show_path(path, level.path);
        enum outcome outcome =
            cgroup_memory_read(mounts, mount, relative, CGROUP_DEPTH_NEEDED, mono_usec, &level);
        if (outcome != OUTCOME_OK && outcome != OUTCOME_ABSENT)
            return false;
        cgroup_limit_by(group, &level);
    }
    return true;
}

enum outcome cgroup_memory_read_path(const struct cgroup_mounts *mounts, const char *path,
                                     const struct sample *host, uint64_t mono_usec,
                                     struct cgroup *ret_group)
{
    const char *relative;
    const struct cgroup_mount *mount = cgroup_mounts_place(mounts, path, &relative);
    if (!mount)
        return OUTCOME_GONE;
    struct cgroup group = {0};
    char above[CGROUP_MOUNT_PATH_SIZE];
    cgroup_memory_show_path(path, group.path);
    enum outcome outcome =
        cgroup_memory_read(mounts, mount, relative, CGROUP_DEPTH_ALL, mono_usec, &group);
    if (outcome != OUTCOME_OK && outcome != OUTCOME_ABSENT)
        return outcome;
    text_copy(above, sizeof(above), path);
    cgroup_limit_begin(&group);
    cgroup_limit_by(&group, &group);
    if (memory_read_limits(mounts, above, mono_usec, &group))
        cgroup_limit_end(&group, host);
    else
        cgroup_limit_begin(&group);
    *ret_group = group;
    return OUTCOME_OK;
}
