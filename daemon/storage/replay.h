/* SPDX-License-Identifier: MIT */
/*
 * What a daemon that was killed had not put into blocks yet: its hot rows, played back and sealed.
 * Writer thread.
 */
#ifndef MEMTEND_STORAGE_REPLAY_H
#define MEMTEND_STORAGE_REPLAY_H

#include "storage/intake.h"
#include "storage/sealer.h"

/* In a transaction, before the first tick; afterwards there are no hot rows. A hot row that cannot
 * be read costs its tick and those behind it, up to the next period. *ret_lost: how many. */
int replay_run(struct queries *queries, struct intake *intake, struct sealer *sealer,
               size_t *ret_lost);

#endif
