/* SPDX-License-Identifier: MIT */
/*
 * The payload of an answer with PROBE_WHAT_USS: what a part of a process's address space, from the
 * request's cursor on, says in PID/pagemap. Pure, no allocation; any thread.
 */
#ifndef MEMTEND_WIRE_PROBE_USS_H
#define MEMTEND_WIRE_PROBE_USS_H

#include <stddef.h>
#include <stdint.h>

#define PROBE_USS_SIZE 32

struct probe_uss {
    uint64_t cursor;          /* where the next request goes on; 0 = this was the last part */
    uint64_t exclusive_bytes; /* in memory and mapped by no other process */
    uint64_t present_bytes;   /* in memory */
    uint64_t swapped_bytes;
};

/* Parts together: what was counted, not where it stands. */
void probe_uss_add(struct probe_uss *sum, const struct probe_uss *part);

void probe_uss_encode(const struct probe_uss *uss,
                      unsigned char ret_payload[static PROBE_USS_SIZE]);
/* -EBADMSG: not one, or numbers that cannot be. */
int probe_uss_decode(const char *payload, size_t size, struct probe_uss *ret_uss);

#endif
