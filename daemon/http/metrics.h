/* SPDX-License-Identifier: MIT */
/*
 * The Prometheus text format 0.0.4 of one snapshot: our own, the host's and the action lines.
 * No line of a process: a pid as a label makes a new series at every start. Pure.
 */
#ifndef MEMTEND_HTTP_METRICS_H
#define MEMTEND_HTTP_METRICS_H

#include "base/buffer.h"
#include "model/snapshot.h"

/* 0, -ENOMEM or -ENOBUFS. */
int metrics_write(struct buffer *buffer, const struct snapshot *snapshot, const char *version);
/* The larger control groups of a snapshot, as lines of their own; called by metrics_write(). */
int metrics_cgroups(struct buffer *buffer, const struct snapshot *snapshot);
/* The lines of groups, likewise. As many as there are groups (GROUP_LIMIT). */
int metrics_groups(struct buffer *buffer, const struct snapshot *snapshot);
/* A label value: backslash, quote and line feed escaped. */
int metrics_label(struct buffer *buffer, const char *text);

#endif
