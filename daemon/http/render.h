/* SPDX-License-Identifier: MIT */
/*
 * Model structs as JSON objects. Pure; each result is owned by the caller and NULL when there was
 * no memory. Unknown measures are absent keys, unknown texts are null.
 */
#ifndef MEMTEND_HTTP_RENDER_H
#define MEMTEND_HTTP_RENDER_H

#include "model/command.h"
#include "model/snapshot.h"

#include <jansson.h>

/* all: with what only those see who may do all; else the version and the clock. */
json_t *render_status(const struct snapshot *snapshot, const char *version, const char *user,
                      bool all);
json_t *render_host(const struct snapshot *snapshot);
/* {runtime,id,pod_uid,name}, JSON null when it is no container. */
json_t *render_container(const struct cgroup_owner *owner);
json_t *render_cgroup(const struct cgroup *cgroup, const struct snapshot *snapshot);
json_t *render_process(const struct process *process, const struct snapshot *snapshot);
json_t *render_group(const struct group_record *group, const struct snapshot *snapshot);
json_t *render_receipt(const struct receipt *receipt);
json_t *render_event(const struct event *event);
json_t *render_pinned_process(const struct pinned_process *process);
json_t *render_rule(const struct rule_record *rule);
json_t *render_top(const struct top_process *process);
json_t *render_series(const struct series *series, enum series_aggregate aggregate);
/* One value of a metric in the unit of its JSON name. */
json_t *render_value(enum metric metric, int64_t value);

#endif
