/* SPDX-License-Identifier: MIT */
/*
 * What a step is expected to do, said before it is done and kept in the receipt. Plain data.
 */
#ifndef MEMTEND_MODEL_PREDICTION_H
#define MEMTEND_MODEL_PREDICTION_H

#include <stdint.h>

struct prediction {
    int64_t low_bytes, high_bytes; /* memory given back; 0..high when only a bound is known */
    int64_t pause_usec;            /* -1 = unknown */
    int64_t unshared_bytes;        /* copy-on-write cost of a collect in a forked family */
};

#endif
