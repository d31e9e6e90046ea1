/* SPDX-License-Identifier: MIT */
/*
 * Programs whose memory has a known habit: runtimes and servers that fill it up to a limit that
 * their command line, or the size of the machine, sets. Pure.
 */
#ifndef MEMTEND_DIAGNOSE_NEIGHBOUR_H
#define MEMTEND_DIAGNOSE_NEIGHBOUR_H

#include "diagnose/evidence.h"

/*
 * comm: as the kernel has it; cmdline: arguments with a blank between them, unredacted, "" when it
 * is not known. machine_bytes: what the program takes for the machine's memory (the limit of its
 * control group, else MemTotal); 0 = not known. false and an emptied *ret_neighbour when it is none
 * of those known. Limits in environment or configuration files are not seen.
 */
bool neighbour_find(const char *comm, const char *cmdline, int64_t machine_bytes,
                    struct evidence_neighbour *ret_neighbour);

/* By the name that it goes by: good enough to hold back a verdict where pools may be that were not
 * counted. */
bool neighbour_is_python(const char *comm);

#endif
