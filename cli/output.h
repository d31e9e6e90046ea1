/* SPDX-License-Identifier: MIT */
/*
 * Where a command writes what may be long: stdout, a pipe or device, or a file. A file is written
 * under a temporary name beside its place (.memtend-XXXXXX, 0600) and gets its own name when it is
 * whole and on the disk. One owner.
 */
#ifndef MEMTEND_CLI_OUTPUT_H
#define MEMTEND_CLI_OUTPUT_H

#include "base/buffer.h"
#include "exit_code.h"

#include <limits.h>
#include <stdbool.h>

struct output_request {
    const char *path;            /* NULL or "-": stdout */
    bool replace;                /* one that is there */
    bool plain_only;             /* no stdout, pipe or device */
    const char *state_directory; /* whose own files are never written to */
};

struct output {
    int fd;
    bool replace;
    char name[PATH_MAX];      /* for messages */
    char temporary[PATH_MAX]; /* "": not a file of ours */
    struct buffer bytes;      /* not written yet */
};

/* After a message when it is not EXIT_CODE_OK. */
enum exit_code output_open(const struct output_request *request, struct output *ret_output);
/* 0, or -errno of write(2); -EINTR: a signal that ends the command. Says nothing. */
int output_write(struct output *output, const void *bytes, size_t size);
/* Everything is written, synced and in its place, or a message says what went wrong. */
enum exit_code output_finish(struct output *output);
/* What was written is of no use: the temporary file goes. Also after output_finish(). */
void output_abandon(struct output *output);
/* Says that writing failed. */
enum exit_code output_fail(const struct output *output, int error);

#endif
