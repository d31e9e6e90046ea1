/* SPDX-License-Identifier: MIT */
/*
 * Would a step do more harm than good? Judged from its prediction, before it is sent. Pure.
 */
#ifndef MEMTEND_ACT_REFUSAL_H
#define MEMTEND_ACT_REFUSAL_H

#include "model/prediction.h"
#include "model/receipt.h"

/*
 * headroom_bytes: what the host can still give out, -1 = unknown. True: refused, and ret_note says
 * why and what to do instead.
 */
bool refusal_judge(enum step_kind step, const struct prediction *prediction,
                   uint64_t pause_budget_usec, int64_t headroom_bytes,
                   char ret_note[static RECEIPT_NOTE_SIZE]);

#endif
