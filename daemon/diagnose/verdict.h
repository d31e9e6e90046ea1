/* SPDX-License-Identifier: MIT */
/*
 * The one cause that explains the memory of a process, or UNKNOWN: a wrong cause costs more than
 * none. Causes are one table; each row is a small function with its thresholds beside it. Pure.
 */
#ifndef MEMTEND_DIAGNOSE_VERDICT_H
#define MEMTEND_DIAGNOSE_VERDICT_H

#include "diagnose/evidence.h"
#include "model/verdict.h"

/* `ledger` is ledger_make() of the same evidence. */
void verdict_make(const struct evidence *evidence, const struct ledger *ledger,
                  struct verdict *ret_verdict);

#endif
