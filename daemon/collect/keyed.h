/* SPDX-License-Identifier: MIT */
/*
 * The kernel's "KEY: NUMBER kB" files. A key counts only at the beginning of a line and as the
 * whole word before the colon or blank; a line without its newline (a file that was cut) does not
 * count at all, nor one above KEYED_VALUE_MAX. Pure; any thread.
 */
#ifndef MEMTEND_COLLECT_KEYED_H
#define MEMTEND_COLLECT_KEYED_H

#include "model/sample.h"

#include <stddef.h>
#include <stdint.h>

#define KEYED_LIMIT 32
/* More than any machine has; sums of a few values cannot overflow. */
#define KEYED_VALUE_MAX (UINT64_C(1) << 60)

/*
 * Look for `count` (at most KEYED_LIMIT) keys. values[i] is the first number of the line of
 * keys[i] (kB are turned into bytes) and bit i of the result says that it was there; the others
 * are untouched. Fastest when the keys are listed in the order of the file.
 */
uint32_t keyed_parse(const char *text, size_t length, const char *const *keys, size_t count,
                     int64_t *values);

struct keyed_metric {
    const char *key;
    enum metric metric;
};

/*
 * The same straight into a sample: what is there is set, what is missing is taken out. Returns
 * the bits of what was there. An empty text takes all of them out.
 */
uint32_t keyed_sample(const char *text, size_t length, const struct keyed_metric *metrics,
                      size_t count, uint64_t mono_usec, struct sample *sample);

#endif
