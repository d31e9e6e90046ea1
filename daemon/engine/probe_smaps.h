/* SPDX-License-Identifier: MIT */
/*
 * Layers of a process, on both sides of the socket: the probe reads PID/smaps into what travels,
 * the head makes what the model knows of it. Pure but for the reading; any thread.
 */
#ifndef MEMTEND_ENGINE_PROBE_SMAPS_H
#define MEMTEND_ENGINE_PROBE_SMAPS_H

#include "collect/outcome.h"
#include "model/layer.h"
#include "wire/probe_layers.h"

#include <sys/types.h>

enum outcome probe_smaps_read(int proc, pid_t pid, struct probe_layers *ret_layers);

/* mono_usec: when it was read. Births are not known. */
void probe_smaps_layers(const struct probe_layers *layers, uint64_t mono_usec,
                        struct layers *ret_layers);

#endif
