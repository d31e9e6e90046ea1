/* SPDX-License-Identifier: MIT */
/*
 * Sections [Group NAME]: groups of processes that a person names. Private to config/.
 */
#ifndef MEMTEND_CONFIG_GROUPS_H
#define MEMTEND_CONFIG_GROUPS_H

#include "config/config.h"

/* "Group web" begins, or goes on with, the group web. NULL with error filled. */
struct config_group *groups_section(struct config *config, const char *section,
                                    struct error *error);
bool groups_is_section(const char *section);
/* One key of a group. -ENOENT: there is no such key, -EINVAL: the value; error filled. */
int groups_set(struct config_group *group, const char *key, const char *value, struct error *error);
/* NULL, or what is wrong with a group of which all has been read. */
const char *groups_wrong(const struct config_group *group);
/* The section as an annotated part of a configuration file. */
int groups_format_help(struct buffer *buffer);

#endif
