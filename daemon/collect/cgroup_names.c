/* SPDX-License-Identifier: MIT */
#include "collect/cgroup_names.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define NAMES_ID_DIGITS 64
#define NAMES_CONTAINER 63

DEFINE_CLEANUP(DIR *, closedir);

/* Kubernetes allows no more in names of pods, namespaces and containers (RFC 1123). */
static size_t names_span(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-");
}

bool cgroup_names_parse(const char *file, struct cgroup_name *ret_name)
{
    size_t pod = names_span(file);
    if (pod == 0 || file[pod] != '_')
        return false;
    const char *space = file + pod + 1;
    size_t space_length = names_span(space);
    if (space_length == 0 || space[space_length] != '_')
        return false;
    const char *container = space + space_length + 1;
    size_t length = names_span(container), tail = strlen("-.log") + NAMES_ID_DIGITS;
    /* A container's own name is short; a longer one is nobody's. */
    if (container[length] != '\0' || length <= tail || length - tail > NAMES_CONTAINER)
        return false;
    const char *id = container + length - tail;
    if (*id++ != '-' || strspn(id, "0123456789abcdef") != NAMES_ID_DIGITS ||
        strcmp(id + NAMES_ID_DIGITS, ".log") != 0)
        return false;
    text_copy_span(ret_name->container_id, sizeof(ret_name->container_id), id, NAMES_ID_DIGITS);
    /* That of the pod is cut: it may have 253. */
    size_t room = sizeof(ret_name->name) - 1 - (length - tail) - 1;
    snprintf(ret_name->name, sizeof(ret_name->name), "%.*s/%.*s", (int)(pod < room ? pod : room),
             file, (int)(length - tail), container);
    return true;
}

static DIR *names_open(int root)
{
    int fd = openat(root, CGROUP_NAMES_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (fd >= 0 && !directory)
        close(fd);
    return directory;
}

size_t cgroup_names_find(int root, struct cgroup_name *names, size_t count)
{
    size_t found = 0;
    _cleanup_(closedirp) DIR *directory = names_open(root);
    if (!directory)
        return 0;
    const struct dirent *entry;
    for (size_t looked = 0; looked < CGROUP_NAMES_ENTRIES && found < count; looked++) {
        struct cgroup_name name;
        entry = readdir(directory);
        if (!entry)
            break;
        if (!cgroup_names_parse(entry->d_name, &name))
            continue;
        for (size_t i = 0; i < count; i++) {
            if (names[i].name[0] || strcmp(names[i].container_id, name.container_id) != 0)
                continue;
            names[i] = name;
            found++;
        }
    }
    return found;
}
