/* SPDX-License-Identifier: MIT */
/*
 * An agent's statistics as a report for people. Pure.
 */
#ifndef MEMTEND_AGENTS_REPORT_H
#define MEMTEND_AGENTS_REPORT_H

#include "model/agent_report.h"
#include "wire/control.h"

/* stats: the newest answer; pools: the newest that told of pymalloc's pools, may be the same or
 * empty. Ages are the caller's to fill. */
void report_fill(const struct control_stats *stats, const struct control_stats *pools,
                 struct agent_report *ret_report);

#endif
