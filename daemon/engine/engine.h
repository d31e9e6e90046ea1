/* SPDX-License-Identifier: MIT */
/*
 * The head from start to stop. Called once by main, on the main thread, which becomes the loop.
 */
#ifndef MEMTEND_ENGINE_ENGINE_H
#define MEMTEND_ENGINE_ENGINE_H

#include "base/buffer.h"
#include "config/config.h"

struct engine_options {
    struct config config;         /* loaded and checked */
    const char *config_directory; /* rules.d, PAUSE; NULL = none */
    const char *const *rule_files;
    size_t rule_file_count;
    const char *version;
};

/*
 * Runs until SIGTERM or SIGINT. 0; -EINVAL when rules are wrong (report says where, line by line);
 * -errno with error filled for everything else that kept it from starting.
 */
int engine_run(const struct engine_options *options, struct buffer *report, struct error *error);

#endif
