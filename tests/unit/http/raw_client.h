/* SPDX-License-Identifier: MIT */
/*
 * HTTP by hand over a socket, so that tests can say what no client library would. Everything has a
 * deadline of ten seconds; one thread each.
 */
#ifndef MEMTEND_TEST_RAW_CLIENT_H
#define MEMTEND_TEST_RAW_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAW_ANSWER_SIZE (1 << 20)

struct raw_answer {
    int status; /* 0: closed without an answer; -1: nothing came in time */
    char text[RAW_ANSWER_SIZE];
    const char *body; /* into text */
    size_t body_size;
};

int raw_connect_tcp(uint16_t port);
int raw_connect_unix(const char *path);
/* false when the other end is closed. */
bool raw_send(int fd, const char *text);
/* One answer; what follows it stays in the socket as far as it came separately. */
void raw_read(int fd, struct raw_answer *ret_answer);
/* As raw_read for an answer to HEAD. */
void raw_read_head(int fd, struct raw_answer *ret_answer);
/* Whether the other end closes within msec; swallows what comes before. */
bool raw_closes(int fd, int msec);

/* Value of a header, "" when absent; valid until the next call. */
const char *raw_header(const struct raw_answer *answer, const char *name);
/* The body as JSON, the caller's; the test fails when it is none. */
json_t *raw_json(const struct raw_answer *answer);

#endif
