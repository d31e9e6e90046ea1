/* SPDX-License-Identifier: MIT */
#include "config/groups.h"

#include "base/pattern.h"
#include "base/text.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define GROUPS_PREFIX "Group "

bool groups_is_section(const char *section)
{
    return text_starts_with(section, GROUPS_PREFIX) || strcmp(section, "Group") == 0;
}

static const char *groups_name(const char *section)
{
    if (!text_starts_with(section, GROUPS_PREFIX))
        return "";
    section += strlen(GROUPS_PREFIX);
    return section + strspn(section, " \t");
}

struct config_group *groups_section(struct config *config, const char *section, struct error *error)
{
    const char *name = groups_name(section);
    if (!text_is_name(name, CONFIG_GROUP_NAME_SIZE - 1)) {
        error_set(error, 0,
                  "a group is written [Group NAME], with up to %d letters, digits, '.', '_', '-'",
                  CONFIG_GROUP_NAME_SIZE - 1);
        return NULL;
    }
    for (size_t i = 0; i < config->group_count; i++)
        if (strcmp(config->groups[i].name, name) == 0)
            return &config->groups[i];
    if (config->group_count == CONFIG_GROUPS_LIMIT) {
        error_set(error, 0, "more than %d groups", CONFIG_GROUPS_LIMIT);
        return NULL;
    }
    struct config_group *group = &config->groups[config->group_count++];
    *group = (struct config_group){0};
    text_copy(group->name, sizeof(group->name), name);
    return group;
}

static const struct {
    const char *key;
    size_t offset, size;
    const char *help;
} groups_keys[] = {
#define FIELD(field)                                                                               \
    offsetof(struct config_group, field), sizeof(((struct config_group *)NULL)->field)
    {"Unit", FIELD(unit), "Unit of systemd; * and ? stand for any text and any character."},
    {"Name", FIELD(agent_name), "Name given by `memtend run --name`; * and ? as above."},
    {"Cmdline", FIELD(cmdline), "Extended regular expression, found in the full command line."},
#undef FIELD
};

#define GROUPS_KEYS (sizeof(groups_keys) / sizeof(groups_keys[0]))

static const char *groups_near_key(const char *key)
{
    for (size_t i = 0; i < GROUPS_KEYS; i++)
        if (text_distance(groups_keys[i].key, key, 2) <= 2)
            return groups_keys[i].key;
    return NULL;
}

static int groups_check_pattern(const char *pattern, struct error *error)
{
    regex_t regex;
    int r = pattern_compile(pattern, &regex, error);
    if (r == 0)
        regfree(&regex);
    return r;
}

int groups_set(struct config_group *group, const char *key, const char *value, struct error *error)
{
    for (size_t i = 0; i < GROUPS_KEYS; i++) {
        if (strcmp(groups_keys[i].key, key) != 0)
            continue;
        if (strlen(value) >= groups_keys[i].size)
            return error_set(error, -EINVAL, "the value is longer than %zu bytes",
                             groups_keys[i].size - 1);
        if (groups_keys[i].offset == offsetof(struct config_group, cmdline) && *value &&
            groups_check_pattern(value, error) < 0)
            return -EINVAL;
        text_copy((char *)group + groups_keys[i].offset, groups_keys[i].size, value);
        return 0;
    }
    const char *near = groups_near_key(key);
    if (near)
        return error_set(error, -ENOENT, "unknown key `%s' of a group (did you mean `%s'?)", key,
                         near);
    return error_set(error, -ENOENT, "unknown key `%s' of a group: use Unit, Name or Cmdline", key);
}

const char *groups_wrong(const struct config_group *group)
{
    return group->unit[0] || group->agent_name[0] || group->cmdline[0]
               ? NULL
               : "says nothing about its processes: give it Unit, Name or Cmdline";
}

int groups_format_help(struct buffer *buffer)
{
    int r = buffer_append_text(
        buffer,
        "\n# Processes that share a budget under a name of your choice; any number of such\n"
        "# sections. All keys that are there must fit; the first section that fits counts.\n"
        "#[Group web]\n");
    for (size_t i = 0; i < GROUPS_KEYS && r >= 0; i++)
        r = buffer_printf(buffer, "# %s\n#%s=\n", groups_keys[i].help, groups_keys[i].key);
    return r < 0 ? r : 0;
}
