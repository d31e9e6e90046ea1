/* SPDX-License-Identifier: MIT */
/*
 * Where every byte of RSS sits. What allocators say of themselves takes the place of the mappings
 * that it lives in: pools of pymalloc come out of anonymous mappings, glibc's chunks out of [heap],
 * its arenas and large mappings, chunks of other allocators out of anonymous mappings. Nothing is
 * taken twice, no line is negative, and the lines sum to the RSS of the walk, always; what is
 * claimed and not resident is cut. Without a walk: anonymous, file and shmem of PID/status. Pure.
 */
#ifndef MEMTEND_DIAGNOSE_LEDGER_H
#define MEMTEND_DIAGNOSE_LEDGER_H

#include "diagnose/evidence.h"

void ledger_make(const struct evidence *evidence, struct ledger *ret_ledger);

#endif
