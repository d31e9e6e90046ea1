/* SPDX-License-Identifier: MIT */
/*
 * What happened between two measurements. Pure.
 */
#ifndef MEMTEND_ACT_JUDGE_H
#define MEMTEND_ACT_JUDGE_H

#include "model/receipt.h"

/* How much of the target went to swap; 0 when unknown or when it came back. */
int64_t judge_moved_to_swap(const struct measure *before, const struct measure *after);
/* What the machine got back, negative when it lost; *ret_before is the basis's own size. Both 0
 * when a measurement lacks the basis. */
int64_t judge_freed(const struct measure *before, const struct measure *after,
                    enum receipt_basis basis, int64_t *ret_before);
enum receipt_outcome judge_step(const struct measure *before, const struct measure *after,
                                uint32_t family_size);

#endif
