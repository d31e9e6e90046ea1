/* SPDX-License-Identifier: MIT */
/*
 * The flight recorder's table: copies of the last minute of samples before an event. A limited
 * number of events, and of bytes, keep theirs: the oldest give way.
 */
#ifndef MEMTEND_STORAGE_PIN_ROWS_H
#define MEMTEND_STORAGE_PIN_ROWS_H

#include "model/pin.h"
#include "storage/query.h"
#include "storage/shelf.h"

/* So many OOM kills are worth looking at in detail; more are an endless loop of restarts. */
#define PIN_ROWS_EVENTS 256
/* One row, all metrics known and none small (measured: 245); most take less. */
#define PIN_ROWS_ROW_BYTES 256
/* 65,536 rows: 256 events of four processes. Never more than a part of the store's limit. */
#define PIN_ROWS_BYTES (UINT64_C(16) << 20)
#define PIN_ROWS_PART  16

/* Where the newest samples are. */
struct pin_source {
    struct queries *queries;
    struct shelf *shelf;
};

/*
 * After the event itself, in its transaction, writer's side: copies the samples of the processes
 * from the minute before event->mono_usec. Processes without any sample there are left out; no
 * pin at all is no failure. `max_size_bytes` is the store's.
 */
int pin_rows_put(const struct pin_source *source, const struct event *event, const struct pin *pin,
                 uint64_t max_size_bytes);

/* Fills all but the event; to be finished by the caller also on failure. */
int pin_rows_read(struct queries *queries, int64_t event, struct event_window *window);

#endif
