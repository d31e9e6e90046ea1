/* SPDX-License-Identifier: MIT */
/*
 * Everything that is read of control groups, as hostile bytes. The first byte says whose they are:
 * 'a' = memory.stat, 'b' = that of v1, 'c' = mountinfo, 'd' = a path, 'e' = the name of a link,
 * 'f' = a number. Whatever comes in: no crash, no text that is not clean, no sum that overflows.
 */
#include "base/text.h"
#include "collect/cgroup_memory.h"
#include "collect/cgroup_names.h"
#include "collect/cgroup_owner.h"
#include "collect/cgroup_stat.h"
#include "collect/keyed.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void check_group(struct cgroup *group)
{
    struct cgroup child = {.path = "/a/b"};
    struct sample host = {0};
    sample_set(&host, METRIC_MEM_TOTAL, INT64_C(1) << 40, 1);
    cgroup_derive(group);
    for (enum cgroup_value value = 0; value < CGROUP_VALUE_COUNT; value++) {
        int64_t number;
        if (cgroup_get(group, value, &number))
            must(number >= 0);
    }
    cgroup_set(group, CGROUP_VALUE_MAX, (int64_t)KEYED_VALUE_MAX);
    cgroup_limit_begin(&child);
    cgroup_limit_by(&child, group);
    cgroup_limit_end(&child, &host);
    int64_t limit;
    must(cgroup_get(&child, CGROUP_VALUE_LIMIT, &limit) && limit <= INT64_C(1) << 40);
}

static void fuzz_stat(const char *text, size_t length)
{
    struct cgroup group = {.present = UINT32_MAX};
    cgroup_stat_parse(text, length, &group);
    check_group(&group);
}

static void fuzz_stat_v1(const char *text, size_t length)
{
    struct cgroup group = {.path = "/a"};
    cgroup_stat_parse_v1(text, length, &group);
    check_group(&group);
}

static void fuzz_mountinfo(const char *text, size_t length)
{
    struct cgroup_mount_entry entries[3];
    size_t count = cgroup_mounts_parse(text, length, entries, 3);
    must(count <= 3);
    for (size_t i = 0; i < count; i++) {
        must(entries[i].point[0] == '/' && strlen(entries[i].point) < CGROUP_MOUNT_PATH_SIZE);
        must(entries[i].root[0] == '/' && strlen(entries[i].root) < CGROUP_MOUNT_PATH_SIZE);
    }
}

static void fuzz_path(const char *text, size_t length)
{
    struct cgroup_owner owner;
    char path[1024], shown[CGROUP_PATH_SIZE];
    struct cgroup_mounts mounts = {.count = 2, .mounts = {{.root = "/"}, {.root = "/../.."}}};
    const char *relative;
    if (length >= sizeof(path) || memchr(text, '\0', length))
        return;
    memcpy(path, text, length);
    path[length] = '\0';
    cgroup_owner_parse(path, &owner);
    must(text_is_clean(owner.container_id) && text_is_clean(owner.pod_uid));
    must(owner.runtime == CONTAINER_RUNTIME_NONE || owner.container_id[0]);
    if (cgroup_mounts_place(&mounts, path, &relative)) {
        must(relative[0] != '/' && relative[0] != '\0' && strcmp(relative, "..") != 0);
        must(strncmp(relative, "../", 3) != 0 && !strstr(relative, "/../"));
        cgroup_memory_show_path(path, shown);
        must(text_is_clean(shown));
    }
    for (size_t above = 0; cgroup_memory_parent(path); above++)
        must(above < sizeof(path));
}

static void fuzz_link(const char *text, size_t length)
{
    char file[512];
    struct cgroup_name name;
    text_copy_span(file, sizeof(file), text, length);
    if (!cgroup_names_parse(file, &name))
        return;
    must(strlen(name.container_id) == 64 && text_is_clean(name.name));
    must(strchr(name.name, '/') != NULL);
}

static void fuzz_number(const char *text, size_t length)
{
    int64_t number;
    if (cgroup_number_parse(text, length, &number))
        must(number >= 0 && number <= (int64_t)KEYED_VALUE_MAX);
}

static void (*const parsers[])(const char *text, size_t length) = {
    fuzz_stat, fuzz_stat_v1, fuzz_mountinfo, fuzz_path, fuzz_link, fuzz_number,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t parser = size > 0 ? (size_t)(data[0] - 'a') : 0;
    if (size > 0 && parser < sizeof(parsers) / sizeof(parsers[0]))
        parsers[parser]((const char *)data + 1, size - 1);
    return 0;
}
