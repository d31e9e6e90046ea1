/* SPDX-License-Identifier: MIT */
/*
 * Where the memory of one process is, read by this command itself: its mappings, and the pools of a
 * CPython. It is never held up for longer than a receipt may. One thread.
 */
#ifndef MEMTEND_CLI_WHY_MEMORY_H
#define MEMTEND_CLI_WHY_MEMORY_H

#include "model/layer.h"
#include "model/process.h"

struct why_memory {
    bool has_layers;
    struct layers layers;
    const char *missing; /* why there are no layers, else why no pools; NULL: nothing is */
};

/* What comes of it for the sample (PSS, USS, pools) is put into that of the process. */
void why_memory_read(int proc, struct process *process, struct why_memory *ret_memory);

#endif
