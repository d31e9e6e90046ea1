/* SPDX-License-Identifier: MIT */
/*
 * Where ticks come in: gives each its number and puts its values on the shelf, whether the file can
 * be written or not. It outlives the connection to the file: while that is away the shelf keeps
 * more than an hour. Writer thread.
 */
#ifndef MEMTEND_STORAGE_INTAKE_H
#define MEMTEND_STORAGE_INTAKE_H

#include "storage/shelf.h"

struct intake {
    struct shelf shelf;
    uint64_t tick_usec;  /* period: a longer pause than 2.5 of it is a gap */
    int64_t newest;      /* number of the last tick */
    bool known;          /* a file has said where its numbers end, or ticks were taken without */
    uint64_t mono_usec;  /* when it was */
    bool running;        /* it is of this run of the daemon */
    bool broken;         /* hot rows were lost: the next one must not build on them */
    bool lost;           /* so was all of a tick */
    struct buffer hot;   /* hot row of the last tick */
    uint64_t lost_ticks; /* values for which there was no memory */
};

/* `max_processes`: so many it has room for, those that came and went in a period among them. */
void intake_init(struct intake *intake, size_t max_processes, uint64_t tick_usec);
void intake_finish(struct intake *intake);

/* What the file knows: numbers go on behind its newest tick. Once, before the first tick of a file;
 * a daemon that began without its file has given out numbers above all that the file can have. */
void intake_begin(struct intake *intake, int64_t newest_tick);

/*
 * Gives the tick its number, takes its rows and those that ended, and leaves its hot row in
 * intake->hot. A tick that has a number was taken before: its hot row is gone, so its period ends
 * here, to be sealed.
 * Failures cost the values of this tick, which are counted, and what held: each is known again with
 * its next change or keyframe.
 */
void intake_take(struct intake *intake, struct tick *tick);

/* The same while nothing can be written: what comes goes on in the period that is open, so that an
 * hour without a file takes no more periods than one with it. */
void intake_hold(struct intake *intake, struct tick *tick);

/* The first tick that is not in a block yet; one behind the newest when all are. */
int64_t intake_unsealed_tick(const struct intake *intake);

/* Before the first tick: what was played back is gone again. */
void intake_forget(struct intake *intake);

/* The file did not keep the hot rows of ticks that were taken. */
void intake_break(struct intake *intake);

#endif
