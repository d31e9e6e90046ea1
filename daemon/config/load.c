/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int load_fail(struct config_errors *errors, const char *file, int code)
{
    if (errors->count++ < CONFIG_ERROR_LIMIT) {
        struct config_error *error = &errors->items[errors->count - 1];
        text_copy(error->file, sizeof(error->file), file);
        error_set(&error->error, 0, "%s", strerror(-code));
    }
    return code;
}

static int load_file(struct config *config, const char *path, bool must_exist,
                     struct config_errors *errors)
{
    _cleanup_(freep) char *text = NULL;
    size_t length;
    int r = file_read_all(path, CONFIG_TEXT_LIMIT, &text, &length);
    if (r == -ENOENT && !must_exist)
        return 0;
    if (r < 0)
        return load_fail(errors, path, r);
    return config_parse(config, path, text, length, errors);
}

static int load_is_drop_in(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return entry->d_name[0] != '.' && dot && strcmp(dot, ".conf") == 0;
}

/* By bytes, whatever the locale: the order of drop-ins decides what wins. */
static int load_order(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_drop_ins(struct config *config, const char *directory, struct config_errors *errors)
{
    struct dirent **entries;
    int count = scandir(directory, &entries, load_is_drop_in, load_order), result = 0;
    if (count < 0)
        return errno == ENOENT ? 0 : load_fail(errors, directory, -errno);
    for (int i = 0; i < count; i++) {
        char path[CONFIG_PATH_SIZE];
        int n = snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
        int r = i >= CONFIG_FILE_LIMIT               ? -E2BIG
                : n < 0 || (size_t)n >= sizeof(path) ? -ENAMETOOLONG
                                                     : 0;
        r = r < 0 ? load_fail(errors, directory, r) : load_file(config, path, true, errors);
        result = result < 0 ? result : r;
        free(entries[i]);
    }
    free(entries);
    return result;
}

int config_load(const char *path, bool must_exist, struct config *ret_config,
                struct config_errors *errors)
{
    struct config config;
    char directory[CONFIG_PATH_SIZE];
    const char *slash = strrchr(path, '/');
    int n = snprintf(directory, sizeof(directory), "%.*sconf.d",
                     slash ? (int)(slash - path) + 1 : 0, path);
    if (n < 0 || (size_t)n >= sizeof(directory))
        return load_fail(errors, path, -ENAMETOOLONG);
    config_init(&config);
    int first = load_file(&config, path, must_exist, errors);
    int second = load_drop_ins(&config, directory, errors);
    int third = config_check(&config, errors);
    if (first < 0 || second < 0 || third < 0)
        return first < 0 ? first : second < 0 ? second : third;
    *ret_config = config;
    return 0;
}
