/* SPDX-License-Identifier: MIT */
#include "collect/keyed.h"

#include "base/text.h"

#include <stdbool.h>
#include <string.h>

#define KEYED_KILO 1024

static bool keyed_number(const char *text, size_t length, int64_t *ret_value)
{
    size_t at = 0, used;
    while (at < length && (text[at] == ' ' || text[at] == '\t' || text[at] == ':'))
        at++;
    uint64_t value;
    if (text_scan_u64(text + at, length - at, &value, &used) < 0)
        return false;
    at += used;
    uint64_t scale = 1;
    if (length - at == 3 && memcmp(text + at, " kB", 3) == 0)
        scale = KEYED_KILO;
    if (value > KEYED_VALUE_MAX / scale)
        return false;
    *ret_value = (int64_t)(value * scale);
    return true;
}

/* Index of the key, starting the search at `first`; count when it is none of ours. */
static size_t keyed_find(const char *key, size_t length, const char *const *keys, size_t count,
                         size_t first)
{
    for (size_t i = 0; i < count; i++) {
        size_t index = first + i < count ? first + i : first + i - count;
        /* Most lines are none of ours: their first letter says so. */
        if (length > 0 && keys[index][0] == key[0] && strlen(keys[index]) == length &&
            memcmp(keys[index], key, length) == 0)
            return index;
    }
    return count;
}

uint32_t keyed_parse(const char *text, size_t length, const char *const *keys, size_t count,
                     int64_t *values)
{
    uint32_t present = 0, wanted = (uint32_t)((UINT64_C(1) << count) - 1);
    const char *end = text + length;
    size_t next = 0;
    while (text < end && present != wanted) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        if (!newline)
            break;
        size_t key = 0, line = (size_t)(newline - text);
        while (key < line && text[key] != ':' && text[key] != ' ')
            key++;
        size_t index = keyed_find(text, key, keys, count, next);
        /* A key that comes twice is not the kernel's: the first one counts. */
        if (index < count && !(present >> index & 1) &&
            keyed_number(text + key, line - key, &values[index])) {
            present |= UINT32_C(1) << index;
            next = index + 1 < count ? index + 1 : 0;
        }
        text = newline + 1;
    }
    return present;
}

uint32_t keyed_sample(const char *text, size_t length, const struct keyed_metric *metrics,
                      size_t count, uint64_t mono_usec, struct sample *sample)
{
    const char *keys[KEYED_LIMIT] = {0};
    int64_t values[KEYED_LIMIT];
    for (size_t i = 0; i < count; i++)
        keys[i] = metrics[i].key;
    uint32_t present = keyed_parse(text, length, keys, count, values);
    for (size_t i = 0; i < count; i++) {
        if (present >> i & 1)
            sample_set(sample, metrics[i].metric, values[i], mono_usec);
        else
            sample_clear(sample, metrics[i].metric);
    }
    return present;
}
