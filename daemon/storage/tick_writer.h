/* SPDX-License-Identifier: MIT */
/*
 * What of a tick goes into the file at once: its hot row, and the processes first seen and ended.
 * Values are the intake's and come later, as blocks (storage/sealer). Writer thread.
 */
#ifndef MEMTEND_STORAGE_TICK_WRITER_H
#define MEMTEND_STORAGE_TICK_WRITER_H

#include "storage/hot_pages.h"
#include "storage/intake.h"
#include "storage/query.h"

struct tick_writer {
    struct queries *queries;
    struct intake *intake;
    int64_t boot; /* row of the boot that is running */
    struct hot_pages pages;
};

/*
 * Finds the boot and the newest tick. `boot_id` as in /proc/sys/kernel/random/boot_id. In a
 * transaction: it adds the boot and closes the processes that a daemon which stopped left open.
 * `reopened`: the intake has gone on meanwhile, and so have the processes.
 */
int tick_writer_init(struct tick_writer *writer, struct queries *queries, struct intake *intake,
                     const char *boot_id, bool reopened);
void tick_writer_finish(struct tick_writer *writer);
/* When hot rows of before were played back: before the first tick. */
int tick_writer_begin(struct tick_writer *writer);
int tick_writer_write(struct tick_writer *writer, struct tick *tick);

#endif
