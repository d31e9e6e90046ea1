/* SPDX-License-Identifier: MIT */
/*
 * Gives away what the probe does not need. Irreversible, for the whole process.
 */
#ifndef MEMTEND_ENGINE_PROBE_JAIL_H
#define MEMTEND_ENGINE_PROBE_JAIL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Drop every capability but CAP_SYS_PTRACE (and CAP_DAC_READ_SEARCH, which opens PID/pagemap of
 * other users, when other_users asks for it or the unit gives it as an ambient one), forbid core
 * dumps and gaining privileges, and let through only the system calls that reading files and memory
 * and answering on an open socket take; the others fail with EPERM. Returns enum probe_rights.
 */
uint32_t probe_jail_enter(bool other_users);

#endif
