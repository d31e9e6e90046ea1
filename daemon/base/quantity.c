/* SPDX-License-Identifier: MIT */
#include "base/quantity.h"

#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* 18 digits always fit in 64 bits. */
#define QUANTITY_DIGITS 18

__extension__ typedef unsigned __int128 quantity_wide;

/* Ascending inside each kind: quantity_format() takes the last that divides the value. */
static const struct quantity_unit quantity_units[] = {
    {"B", QUANTITY_BYTES, 1},
    {"kB", QUANTITY_BYTES, 1000},
    {"MB", QUANTITY_BYTES, 1000000},
    {"GB", QUANTITY_BYTES, 1000000000},
    {"TB", QUANTITY_BYTES, 1000000000000},
    {"KiB", QUANTITY_BYTES, UINT64_C(1) << 10},
    {"MiB", QUANTITY_BYTES, UINT64_C(1) << 20},
    {"GiB", QUANTITY_BYTES, UINT64_C(1) << 30},
    {"TiB", QUANTITY_BYTES, UINT64_C(1) << 40},
    {"%", QUANTITY_PERMYRIAD, 100},
    {"ms", QUANTITY_USEC, 1000},
    {"s", QUANTITY_USEC, 1000000},
    {"m", QUANTITY_USEC, UINT64_C(60) * 1000000},
    {"h", QUANTITY_USEC, UINT64_C(3600) * 1000000},
    {"d", QUANTITY_USEC, UINT64_C(86400) * 1000000},
};

#define QUANTITY_UNITS (sizeof(quantity_units) / sizeof(quantity_units[0]))

static const char *const quantity_examples[] = {
    [QUANTITY_PLAIN] = "a plain number such as 30",
    [QUANTITY_BYTES] = "bytes such as 200MiB or 1GiB",
    [QUANTITY_PERMYRIAD] = "a percentage such as 5% or 0.5%",
    [QUANTITY_USEC] = "a time such as 500ms, 20s, 5m, 1h or 7d",
};

int quantity_scan_number(const char *text, size_t length, struct quantity_number *ret_number,
                         size_t *ret_used)
{
    struct quantity_number number = {.scale = 1};
    size_t used = 0, digits = 0;
    bool point = false;
    for (; used < length; used++) {
        char c = text[used];
        bool next_is_digit = used + 1 < length && text[used + 1] >= '0' && text[used + 1] <= '9';
        if (c == '.' && !point && digits > 0 && next_is_digit) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9')
            break;
        if (++digits > QUANTITY_DIGITS)
            return -ERANGE;
        number.digits = number.digits * 10 + (uint64_t)(c - '0');
        if (point)
            number.scale *= 10;
    }
    if (digits == 0)
        return -EINVAL;
    *ret_number = number;
    *ret_used = used;
    return 0;
}

const struct quantity_unit *quantity_unit_find(const char *word, size_t length)
{
    for (size_t i = 0; i < QUANTITY_UNITS; i++) {
        const char *name = quantity_units[i].name;
        if (strlen(name) == length && memcmp(name, word, length) == 0)
            return &quantity_units[i];
    }
    return NULL;
}

static const struct {
    const char *wrong, *right;
} quantity_habits[] = {
    {"K", "KiB"},     {"k", "KiB"},     {"M", "MiB"},   {"G", "GiB"},     {"T", "TiB"},
    {"KB", "kB"},     {"byte", "B"},    {"bytes", "B"}, {"percent", "%"}, {"sec", "s"},
    {"second", "s"},  {"seconds", "s"}, {"min", "m"},   {"mins", "m"},    {"minute", "m"},
    {"minutes", "m"}, {"hour", "h"},    {"hours", "h"}, {"hr", "h"},      {"day", "d"},
    {"days", "d"},    {"S", "s"},       {"H", "h"},     {"D", "d"},       {"msec", "ms"},
};

const char *quantity_unit_near(const char *word)
{
    for (size_t i = 0; i < sizeof(quantity_habits) / sizeof(quantity_habits[0]); i++)
        if (strcmp(quantity_habits[i].wrong, word) == 0)
            return quantity_habits[i].right;
    for (size_t i = 0; i < QUANTITY_UNITS; i++)
        if (strcasecmp(quantity_units[i].name, word) == 0)
            return quantity_units[i].name;
    /* Short names are all near to each other: only the long ones can be told from a typing error.
     */
    for (size_t i = 0; i < QUANTITY_UNITS; i++)
        if (strlen(quantity_units[i].name) >= 3 &&
            text_distance(quantity_units[i].name, word, 1) <= 1)
            return quantity_units[i].name;
    return NULL;
}

int quantity_make(struct quantity_number number, const struct quantity_unit *unit,
                  struct quantity *ret_quantity)
{
    quantity_wide value = (quantity_wide)number.digits * (unit ? unit->factor : 1);
    enum quantity_kind kind = unit ? unit->kind : QUANTITY_PLAIN;
    bool rounds = kind == QUANTITY_BYTES || kind == QUANTITY_USEC;
    if (!rounds && value % number.scale)
        return -EDOM;
    value /= number.scale;
    if (value > INT64_MAX)
        return -ERANGE;
    *ret_quantity = (struct quantity){.kind = kind, .value = (int64_t)value};
    return 0;
}

int quantity_parse(const char *text, enum quantity_kind kind, int64_t *ret_value,
                   struct error *error)
{
    struct quantity_number number;
    struct quantity quantity;
    size_t used, length = strlen(text);
    int r = quantity_scan_number(text, length, &number, &used);
    if (r == -ERANGE)
        return error_set(error, -EINVAL, "`%.40s' has too many digits", text);
    if (r < 0)
        return error_set(error, -EINVAL, "`%.40s' is not %s", text, quantity_examples[kind]);
    const char *word = text + used + strspn(text + used, " \t");
    const struct quantity_unit *unit = quantity_unit_find(word, strlen(word));
    if (!*word && kind != QUANTITY_PLAIN)
        return error_set(error, -EINVAL, "`%.40s' needs a unit: %s", text, quantity_examples[kind]);
    const char *near = *word && !unit ? quantity_unit_near(word) : NULL;
    if (near)
        return error_set(error, -EINVAL, "unknown unit `%.40s' (did you mean `%s'?)", word, near);
    if (*word && (!unit || unit->kind != kind))
        return error_set(error, -EINVAL, "`%.40s' is not %s", text, quantity_examples[kind]);
    r = quantity_make(number, unit, &quantity);
    if (r == -EDOM)
        return error_set(error, -EINVAL, "`%.40s' has too many decimals", text);
    if (r < 0)
        return error_set(error, -EINVAL, "`%.40s' is too large", text);
    *ret_value = quantity.value;
    return 0;
}

static void quantity_format_percent(int64_t value, char ret_text[static QUANTITY_SIZE])
{
    if (value % 100 == 0)
        snprintf(ret_text, QUANTITY_SIZE, "%" PRId64 "%%", value / 100);
    else if (value % 10 == 0)
        snprintf(ret_text, QUANTITY_SIZE, "%" PRId64 ".%" PRId64 "%%", value / 100,
                 value % 100 / 10);
    else
        snprintf(ret_text, QUANTITY_SIZE, "%" PRId64 ".%02" PRId64 "%%", value / 100, value % 100);
}

void quantity_format(struct quantity quantity, char ret_text[static QUANTITY_SIZE])
{
    if (quantity.kind == QUANTITY_PERMYRIAD) {
        quantity_format_percent(quantity.value, ret_text);
        return;
    }
    const struct quantity_unit *best = NULL;
    for (size_t i = 0; i < QUANTITY_UNITS; i++) {
        const struct quantity_unit *unit = &quantity_units[i];
        bool binary = unit->factor == 1 || unit->factor % 1024 == 0;
        if (unit->kind != quantity.kind || (quantity.kind == QUANTITY_BYTES && !binary))
            continue;
        if (!best || (quantity.value > 0 && (uint64_t)quantity.value % unit->factor == 0))
            best = unit;
    }
    /* Microseconds have no unit of their own: what is shorter than a millisecond shows as 0ms. */
    uint64_t factor = best ? best->factor : 1;
    snprintf(ret_text, QUANTITY_SIZE, "%" PRIu64 "%s", (uint64_t)quantity.value / factor,
             best ? best->name : "");
}
