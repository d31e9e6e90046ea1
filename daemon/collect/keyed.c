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

/* Length of the key when the line begins with it, as a whole word; else 0. */
static size_t keyed_match(const char *line, size_t length, const char *key)
{
    size_t at = 0;
    while (at < length && key[at] && line[at] == key[at])
        at++;
    return !key[at] && at < length && (line[at] == ':' || line[at] == ' ') ? at : 0;
}

/* Index of the key, starting the search at `first`; count when it is none of ours. */
static size_t keyed_find(const char *line, size_t length, const char *const *keys, size_t count,
                         size_t first, size_t *ret_key)
{
    for (size_t i = 0; i < count; i++) {
        size_t index = first + i < count ? first + i : first + i - count;
        if (keys[index][0] != line[0])
            continue;
        size_t key = keyed_match(line, length, keys[index]);
        if (key > 0) {
            *ret_key = key;
            return index;
        }
    }
    return count;
}

/* Each letter of ASCII has a bit of its own; a few other characters share them. */
static uint64_t keyed_letter(char letter)
{
    return UINT64_C(1) << ((unsigned char)letter & 63);
}

uint32_t keyed_parse(const char *text, size_t length, const char *const *keys, size_t count,
                     int64_t *values)
{
    uint32_t present = 0, wanted = (uint32_t)((UINT64_C(1) << count) - 1);
    const char *end = text + length;
    size_t next = 0;
    uint64_t letters = 0;
    for (size_t i = 0; i < count; i++)
        letters |= keyed_letter(keys[i][0]);
    while (text < end && present != wanted) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        if (!newline)
            break;
        size_t key = 0, line = (size_t)(newline - text);
        /* Most lines are none of ours: their first letter says so. */
        size_t index = letters & keyed_letter(text[0])
                           ? keyed_find(text, line, keys, count, next, &key)
                           : count;
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
