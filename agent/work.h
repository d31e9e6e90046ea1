/* SPDX-License-Identifier: MIT */
/*
 * What a job does once it has what it needs: on which thread, with or without the GIL. Job's
 * thread.
 */
#ifndef MEMTEND_AGENT_WORK_H
#define MEMTEND_AGENT_WORK_H

#include "job.h"

void work_do(const struct job_request *request, uint64_t ticket, struct job_result *result);

#endif
