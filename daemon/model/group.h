/* SPDX-License-Identifier: MIT */
/*
 * Families: processes tied by fork without exec. Two processes are tied when one is the parent of
 * the other and both have the same exec_mark and executable file; a child's family includes its
 * parent. Pure, works on the table in place.
 */
#ifndef MEMTEND_MODEL_GROUP_H
#define MEMTEND_MODEL_GROUP_H

#include "model/process.h"

/*
 * Set family and family_size of every process. `by_pid` answers the index of a pid in the table or
 * -1, in O(1).
 */
void group_families(struct process *processes, size_t count,
                    ssize_t (*by_pid)(const void *context, pid_t pid), const void *context);

#endif
