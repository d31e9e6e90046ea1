/* SPDX-License-Identifier: MIT */
/*
 * Reads the rule files: *.rules in rules.d of the configuration directory, sorted by name, then the
 * files given by --rules. Whole or not at all. Any thread.
 */
#ifndef MEMTEND_ENGINE_RULE_FILES_H
#define MEMTEND_ENGINE_RULE_FILES_H

#include "base/buffer.h"
#include "base/cleanup.h"
#include "rules/rules.h"

/* A rule and where it stands; owned by its holder. */
struct rule_files_item {
    struct rule *rule;
    char *path;
    bool trusted; /* who may write the file may also arm: `armed` in it counts */
};

struct rule_files {
    size_t count;
    struct rule_files_item items[RULES_SET_LIMIT];
};

/*
 * Every error of every file goes to report with its caret (as far as it has room). 0 with
 * *ret_files on the heap, -EINVAL for wrong texts, -errno for files that cannot be read.
 */
int rule_files_read(const char *config_directory, const char *const *paths, size_t path_count,
                    struct rule_files **ret_files, struct buffer *report);
void rule_files_free(struct rule_files *files);
DEFINE_CLEANUP(struct rule_files *, rule_files_free);

#endif
