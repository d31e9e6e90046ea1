/* SPDX-License-Identifier: MIT */
/*
 * A look at what the program's objects are: large containers by name, known causes of growth,
 * objects by type. Names of modules, classes and attributes, types and lengths leave the process;
 * keys, values and what repr() would say never do. Nothing is imported, no Python code runs, and
 * of the program's objects nothing is kept when the GIL is given back.
 */
#ifndef MEMTEND_AGENT_CENSUS_H
#define MEMTEND_AGENT_CENSUS_H

#include "job.h"

#include <stdbool.h>

/* Constructor, and again when an interpreter is found later. */
void census_load(void);
/* Constructor: what MEMTEND_CENSUS says. */
void census_allow(bool allowed);
/* Any thread: MEMTEND_CENSUS does not forbid it and this interpreter is known. */
bool census_is_possible(void);

/* ---- JOB_CENSUS, GIL held ---- */
bool census_open(void);
void census_perform(const struct job_request *request, struct job_result *result);

/* Agent's thread: what the last job found, until the next is started. */
const struct control_finding *census_findings(size_t *ret_count);

#endif
