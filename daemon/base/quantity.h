/* SPDX-License-Identifier: MIT */
/*
 * Quantities as people write them: "200 MiB", "1.8GiB", "5%", "20s", "3". The one table of units
 * for rules, configuration and command line. Units are never guessed: bytes, percent and times
 * need one. Pure; any thread.
 */
#ifndef MEMTEND_BASE_QUANTITY_H
#define MEMTEND_BASE_QUANTITY_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum quantity_kind {
    QUANTITY_PLAIN,     /* a count, no unit */
    QUANTITY_BYTES,     /* B, KiB MiB GiB TiB (1024), kB MB GB TB (1000) */
    QUANTITY_PERMYRIAD, /* %, kept in 1/100 of a percent */
    QUANTITY_USEC,      /* ms s m h d */
};

struct quantity {
    enum quantity_kind kind;
    int64_t value; /* never negative */
};

/* digits / scale; scale is a power of ten. */
struct quantity_number {
    uint64_t digits, scale;
};

struct quantity_unit {
    const char *name;
    enum quantity_kind kind;
    uint64_t factor;
};

/* "12" or "1.75" at the front of a span. -EINVAL: no digit there; -ERANGE: too many of them. */
int quantity_scan_number(const char *text, size_t length, struct quantity_number *ret_number,
                         size_t *ret_used);
/* NULL when there is no such unit. Case matters: "m" are minutes, "MB" are bytes. */
const struct quantity_unit *quantity_unit_find(const char *word, size_t length);
/* The unit that was probably meant, NULL when none is near. */
const char *quantity_unit_near(const char *word);
/*
 * unit NULL = plain. Bytes and times are rounded down; -EDOM when a count or a percentage would
 * have to be rounded (percent has two decimals), -ERANGE when it is too large.
 */
int quantity_make(struct quantity_number number, const struct quantity_unit *unit,
                  struct quantity *ret_quantity);

/* The whole text, of one kind. -EINVAL with error (NULL allowed): what is wrong and an example. */
int quantity_parse(const char *text, enum quantity_kind kind, int64_t *ret_value,
                   struct error *error);

/* The shortest exact form with one unit: "20s", "1GiB", "0.5%", "30". */
#define QUANTITY_SIZE 32
void quantity_format(struct quantity quantity, char ret_text[static QUANTITY_SIZE]);

#endif
