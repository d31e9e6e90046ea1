/* SPDX-License-Identifier: MIT */
/*
 * The hot row: all that one tick changed, as one blob, written with the tick so that a daemon that
 * was killed loses nothing. It has the very bytes that went to the open logs; storage/shelf writes
 * it and plays it back. Pure, any thread.
 *
 * A blob: version (one byte), varint of the ticks since the blob before (0: this one begins a
 * period and has everything that holds, whatever was before); then for each process signed varint
 * of its row - that of the one before it (the first: - 0), and its entry (storage/open_log).
 */
#ifndef MEMTEND_STORAGE_HOT_H
#define MEMTEND_STORAGE_HOT_H

#include "storage/varint.h"

#include <stddef.h>
#include <stdint.h>

/* A blob of 32,768 processes with 30 new values of ten bytes each is 10 MiB. */
#define HOT_SIZE_LIMIT ((size_t)16 << 20)

struct hot_writer {
    struct buffer *buffer;
    int64_t row; /* of the entry before */
};

/* Appends to the buffer. -ENOBUFS, -ENOMEM: the caller takes back what is there of the blob. */
int hot_begin(struct hot_writer *writer, struct buffer *buffer, uint64_t ticks_since);
int hot_add(struct hot_writer *writer, int64_t row, const uint8_t *entry, size_t size);

struct hot_reader {
    struct varint_reader rest;
    uint64_t ticks_since;
    int64_t row; /* of the entry at the front of `rest` */
};

/* -EUCLEAN: damaged, or of another version. */
int hot_open(struct hot_reader *reader, const uint8_t *data, size_t size);
/* Steps to the next entry; the caller takes it off reader->rest (open_log_decode) before the next
 * call. Only while reader->rest has bytes. -EUCLEAN: damaged, or not a row. */
int hot_next(struct hot_reader *reader);

#endif
