/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int text_scan_u64(const char *text, size_t length, uint64_t *ret_value, size_t *ret_used)
{
    uint64_t value = 0;
    size_t used = 0;
    for (; used < length && text[used] >= '0' && text[used] <= '9'; used++) {
        uint64_t digit = (uint64_t)(text[used] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return -ERANGE;
        value = value * 10 + digit;
    }
    if (used == 0)
        return -EINVAL;
    *ret_value = value;
    *ret_used = used;
    return 0;
}

int text_parse_u64(const char *text, uint64_t *ret_value)
{
    uint64_t value;
    size_t used;
    int r = text_scan_u64(text, strlen(text), &value, &used);
    if (r < 0)
        return r;
    if (text[used])
        return -EINVAL;
    *ret_value = value;
    return 0;
}

int text_parse_i64(const char *text, int64_t *ret_value)
{
    bool negative = text[0] == '-';
    uint64_t value;
    int r = text_parse_u64(text + negative, &value);
    if (r < 0)
        return r;
    if (value > (uint64_t)INT64_MAX)
        return -ERANGE;
    *ret_value = negative ? -(int64_t)value : (int64_t)value;
    return 0;
}

size_t text_copy_span(char *destination, size_t size, const char *source, size_t length)
{
    if (length >= size) {
        length = size - 1;
        while (length > 0 && ((unsigned char)source[length] & 0xC0) == 0x80)
            length--;
    }
    memcpy(destination, source, length);
    destination[length] = '\0';
    return length;
}

size_t text_copy(char *destination, size_t size, const char *source)
{
    return text_copy_span(destination, size, source, strlen(source));
}

struct utf8_range {
    unsigned char first, last; /* lead byte */
    unsigned char length;
    unsigned char second_low, second_high; /* RFC 3629 table: no overlong form, no surrogate */
};

static const struct utf8_range utf8_ranges[] = {
    {0x00, 0x7F, 1, 0x00, 0x00}, {0xC2, 0xDF, 2, 0x80, 0xBF}, {0xE0, 0xE0, 3, 0xA0, 0xBF},
    {0xE1, 0xEC, 3, 0x80, 0xBF}, {0xED, 0xED, 3, 0x80, 0x9F}, {0xEE, 0xEF, 3, 0x80, 0xBF},
    {0xF0, 0xF0, 4, 0x90, 0xBF}, {0xF1, 0xF3, 4, 0x80, 0xBF}, {0xF4, 0xF4, 4, 0x80, 0x8F},
};

/* Length of the valid character at bytes, 0 when there is none. */
static size_t utf8_length(const unsigned char *bytes, size_t left)
{
    for (size_t i = 0; i < sizeof(utf8_ranges) / sizeof(utf8_ranges[0]); i++) {
        const struct utf8_range *range = &utf8_ranges[i];
        if (bytes[0] < range->first || bytes[0] > range->last)
            continue;
        if (left < range->length)
            return 0;
        if (range->length > 1 && (bytes[1] < range->second_low || bytes[1] > range->second_high))
            return 0;
        for (size_t k = 2; k < range->length; k++)
            if ((bytes[k] & 0xC0) != 0x80)
                return 0;
        return range->length;
    }
    return 0;
}

/* A valid character that must not reach a terminal or page: controls and bidi overrides. */
static bool utf8_is_hostile(const unsigned char *bytes, size_t length)
{
    if (length == 1)
        return bytes[0] < 0x20 || bytes[0] == 0x7F;
    if (length == 2)
        return bytes[0] == 0xC2 && bytes[1] < 0xA0; /* C1 */
    if (length == 3 && bytes[0] == 0xE2 && bytes[1] == 0x80)
        return (bytes[2] >= 0xAA && bytes[2] <= 0xAE) || bytes[2] == 0xA8 || bytes[2] == 0xA9;
    return length == 3 && bytes[0] == 0xE2 && bytes[1] == 0x81 && bytes[2] >= 0xA6 &&
           bytes[2] <= 0xA9;
}

static const char text_replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

size_t text_clean(char *destination, size_t size, const char *source, size_t length)
{
    size_t written = 0;
    for (size_t at = 0; at < length;) {
        const unsigned char *bytes = (const unsigned char *)source + at;
        size_t step = utf8_length(bytes, length - at);
        bool keep = step > 0 && !utf8_is_hostile(bytes, step);
        const char *from = keep ? source + at : text_replacement;
        size_t amount = keep ? step : sizeof(text_replacement) - 1;
        if (written + amount >= size)
            break;
        memcpy(destination + written, from, amount);
        written += amount;
        at += step > 0 ? step : 1;
    }
    destination[written] = '\0';
    return written;
}

size_t text_clean_length(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t at = 0;
    while (at < length) {
        size_t step = utf8_length(bytes + at, length - at);
        if (step == 0 || utf8_is_hostile(bytes + at, step))
            break;
        at += step;
    }
    return at;
}

bool text_is_clean(const char *text)
{
    size_t length = strlen(text);
    return text_clean_length(text, length) == length;
}

bool text_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static char ascii_lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c;
}

bool text_contains_ignore_case(const char *text, const char *needle)
{
    for (;; text++) {
        size_t i = 0;
        while (needle[i] && ascii_lower(text[i]) == ascii_lower(needle[i]))
            i++;
        if (!needle[i])
            return true;
        if (!*text)
            return false;
    }
}

bool text_is_name(const char *text, size_t limit)
{
    size_t length = strlen(text);
    if (length == 0 || length > limit || text[0] == '.' || text[0] == '-')
        return false;
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") ==
           length;
}

#define TEXT_DISTANCE_MAX 48

size_t text_distance(const char *a, const char *b, size_t limit)
{
    size_t length_a = strlen(a), length_b = strlen(b);
    if (length_a > TEXT_DISTANCE_MAX || length_b > TEXT_DISTANCE_MAX)
        return limit + 1;
    size_t row[TEXT_DISTANCE_MAX + 1];
    for (size_t j = 0; j <= length_b; j++)
        row[j] = j;
    for (size_t i = 1; i <= length_a; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length_b; j++) {
            size_t above = row[j];
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[length_b];
}

void text_format_bytes(int64_t bytes, char ret_text[static TEXT_BYTES_SIZE])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes, magnitude = value < 0 ? -value : value;
    size_t unit = 0;
    for (; magnitude >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++) {
        magnitude /= 1024;
        value /= 1024;
    }
    int decimals = unit > 0 && magnitude < 100 ? 1 : 0;
    snprintf(ret_text, TEXT_BYTES_SIZE, "%.*f %s", decimals, value, units[unit]);
}
