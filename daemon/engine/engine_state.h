/* SPDX-License-Identifier: MIT */
/*
 * The head and what it was started with. Inner part of engine.c, which runs and ends it, and
 * engine_start.c, which makes its parts. Main thread.
 */
#ifndef MEMTEND_ENGINE_ENGINE_STATE_H
#define MEMTEND_ENGINE_ENGINE_STATE_H

#include "engine/engine.h"
#include "engine/head.h"
#include "engine/paths.h"
#include "engine/sockets.h"

struct engine {
    const struct engine_options *options;
    struct head head;
    struct paths paths;
    struct sockets sockets;
    struct store_writer_start start;
};

/* As engine_run(). What was made stays, also on failure. */
int engine_start(struct engine *engine, struct buffer *report, struct error *error);
/* Log and timeline. */
void engine_say_started(struct engine *engine);

#endif
