/* SPDX-License-Identifier: MIT */
/*
 * memory.stat of one control group, of both versions: which lines there are depends on the kernel
 * (5.4 to 6.18 in tests/fixtures/cgroup). Pure; any thread.
 */
#ifndef MEMTEND_COLLECT_CGROUP_STAT_H
#define MEMTEND_COLLECT_CGROUP_STAT_H

#include "model/cgroup.h"

#include <stddef.h>

/* What is there is set, what is missing is taken out. false: it does not look like one. */
bool cgroup_stat_parse(const char *text, size_t length, struct cgroup *cgroup);
/* The same of v1, where total_... counts the groups below as v2 does. */
bool cgroup_stat_parse_v1(const char *text, size_t length, struct cgroup *cgroup);

#endif
