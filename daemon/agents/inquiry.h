/* SPDX-License-Identifier: MIT */
/*
 * The census of a session: asked for, its findings gathered as they come, handed out whole. A part
 * of struct session; one thread.
 */
#ifndef MEMTEND_AGENTS_INQUIRY_H
#define MEMTEND_AGENTS_INQUIRY_H

#include "base/buffer.h"
#include "model/census.h"
#include "wire/control.h"

struct inquiry_order {
    struct census_question question;
    uint64_t gil_timeout_msec;
    uint64_t patience_usec;
};

struct inquiry {
    uint64_t request; /* 0 = none under way */
    uint64_t sent_usec, due_usec;
    size_t lines_left;     /* of the answer: they do not count as the agent's own */
    struct census *census; /* owned while under way */
};

/* 0; -ENOMEM, -ENOBUFS, -EINVAL. */
int inquiry_ask(struct inquiry *inquiry, struct buffer *output, uint64_t request,
                const struct inquiry_order *order, uint64_t now_usec);
void inquiry_finish(struct inquiry *inquiry);

/* Is the next line one that was paid for when the census was asked? Counts it. */
bool inquiry_takes_line(struct inquiry *inquiry);
/* NULL, or what is wrong in words. */
const char *inquiry_on_finding(struct inquiry *inquiry, const struct control_message *message);
/* NULL and the census, which is the caller's now; or what is wrong. */
const char *inquiry_on_censused(struct inquiry *inquiry, const struct control_message *message,
                                uint64_t now_usec, struct census **ret_census);
/* It ended without an answer: what is left is the caller's. */
struct census *inquiry_give_up(struct inquiry *inquiry, enum census_outcome outcome);
/* As above, by what the agent said of the request. */
struct census *inquiry_refused(struct inquiry *inquiry, enum control_result why);

#endif
