/* SPDX-License-Identifier: MIT */
/*
 * Made traces, in the form of trace.h, the same for the same seed. Each process behaves in one of
 * five ways; a mix says how many behave how. 7.2 % of the samples of the quiet mix and 19.6 % of
 * the noisy one differ from the one before; a recording of an ordinary machine lies between them.
 */
#ifndef MEMTEND_BENCH_STORAGE_MIX_H
#define MEMTEND_BENCH_STORAGE_MIX_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* `mix`: "quiet" or "noisy"; another: -EINVAL. The file is made, or written anew. */
int mix_generate(const char *mix, const char *path, size_t processes, size_t seconds, uint64_t seed,
                 struct error *error);

#endif
