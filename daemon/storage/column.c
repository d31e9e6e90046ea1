/* SPDX-License-Identifier: MIT */
#include "storage/column.h"

#include "storage/varint.h"

#include <errno.h>
#include <stdbool.h>

/* The sum of as many int64 as a column may have always fits. */
__extension__ typedef __int128 column_wide;

/* The head without the values that can be computed from it. */
struct column_head {
    uint64_t unit, first;
};

static int64_t column_clamp(column_wide value)
{
    if (value > INT64_MAX)
        return INT64_MAX;
    return value < INT64_MIN ? INT64_MIN : (int64_t)value;
}

int column_summarize(const int64_t *values, size_t count, struct column_summary *ret_summary)
{
    if (count == 0 || count > COLUMN_COUNT_LIMIT)
        return -ERANGE;
    int64_t min = values[0], max = values[0];
    column_wide sum = 0;
    for (size_t i = 0; i < count; i++) {
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
        sum += values[i];
    }
    *ret_summary = (struct column_summary){.count = count,
                                           .min = min,
                                           .max = max,
                                           .last = values[count - 1],
                                           .sum = column_clamp(sum)};
    return 0;
}

/* Whether distances between values, and from the sum to the first value times count, are numbers
 * that can be divided: none of them wraps. */
static bool column_divides(int64_t first, const struct column_summary *summary)
{
    int64_t range, base, rest;
    return !__builtin_sub_overflow(summary->max, summary->min, &range) &&
           !__builtin_mul_overflow(first, (int64_t)summary->count, &base) &&
           !__builtin_sub_overflow(summary->sum, base, &rest) && summary->sum != INT64_MAX &&
           summary->sum != INT64_MIN;
}

/* Where a value begins that differs from the one before it; the first one does. Most columns stand
 * still most of the time: all that follows goes from change to change. */
struct column_changes {
    size_t count;
    uint16_t at[COLUMN_COUNT_LIMIT];
};
_Static_assert(COLUMN_COUNT_LIMIT <= UINT16_MAX, "an index fits");

static void column_find_changes(const int64_t *values, size_t count, struct column_changes *changes)
{
    size_t found = 1;
    changes->at[0] = 0;
    for (size_t i = 1; i < count; i++) {
        changes->at[found] = (uint16_t)i; /* one behind the last is in the array: i < count */
        found += values[i] != values[i - 1];
    }
    changes->count = found;
}

/* The summary of what is told run by run. */
struct column_tally {
    int64_t min, max;
    column_wide sum;
};

static void column_tally(struct column_tally *tally, int64_t value, size_t count)
{
    tally->min = value < tally->min ? value : tally->min;
    tally->max = value > tally->max ? value : tally->max;
    tally->sum += (column_wide)value * (column_wide)count;
}

static struct column_summary column_tally_end(const struct column_tally *tally, int64_t last,
                                              size_t count)
{
    return (struct column_summary){.count = count,
                                   .min = tally->min,
                                   .max = tally->max,
                                   .last = last,
                                   .sum = column_clamp(tally->sum)};
}

static struct column_summary column_summarize_changes(const int64_t *values, size_t count,
                                                      const struct column_changes *changes)
{
    struct column_tally tally = {.min = values[0], .max = values[0]};
    for (size_t i = 0; i < changes->count; i++) {
        size_t end = i + 1 < changes->count ? changes->at[i + 1] : count;
        column_tally(&tally, values[changes->at[i]], end - changes->at[i]);
    }
    return column_tally_end(&tally, values[count - 1], count);
}

static uint64_t column_common(uint64_t a, uint64_t b)
{
    while (b > 0) {
        uint64_t next = a % b;
        a = b;
        b = next;
    }
    return a;
}

/* The greatest common divisor of all steps. */
static uint64_t column_unit(const int64_t *values, const struct column_changes *changes,
                            const struct column_summary *summary)
{
    if (changes->count == 1)
        return 0;
    if (!column_divides(values[0], summary))
        return 1;
    uint64_t unit = 0;
    for (size_t i = 1; i < changes->count && unit != 1; i++) {
        size_t at = changes->at[i];
        int64_t step = values[at] - values[at - 1];
        unit = column_common(unit, step < 0 ? 0 - (uint64_t)step : (uint64_t)step);
    }
    return unit;
}

/* How many units from one value to another; they wrap only when the unit is 1. */
static int64_t column_units(uint64_t from, uint64_t to, uint64_t unit)
{
    int64_t distance = (int64_t)(to - from);
    return unit == 1 ? distance : distance / (int64_t)unit;
}

static int column_append_head(struct buffer *out, const struct column_head *head,
                              const struct column_summary *summary)
{
    int r = varint_append(out, head->unit);
    if (r == 0)
        r = varint_append_signed(out, (int64_t)head->first);
    if (r < 0 || head->unit == 0)
        return r;
    uint64_t base = head->first * summary->count;
    const uint64_t fields[] = {
        (head->first - (uint64_t)summary->min) / head->unit,
        ((uint64_t)summary->max - head->first) / head->unit,
        varint_fold(column_units(head->first, (uint64_t)summary->last, head->unit)),
        varint_fold(column_units(base, (uint64_t)summary->sum, head->unit)),
    };
    for (size_t i = 0; r == 0 && i < sizeof(fields) / sizeof(fields[0]); i++)
        r = varint_append(out, fields[i]);
    return r;
}

static int column_append_steps(struct buffer *out, const int64_t *values,
                               const struct column_changes *changes, uint64_t unit)
{
    for (size_t i = 1; i < changes->count; i++) {
        uint8_t bytes[3 * VARINT_SIZE_LIMIT];
        size_t size = 0, at = changes->at[i], same = at - changes->at[i - 1] - 1;
        if (same > 0) {
            bytes[size++] = 0;
            size += varint_put(same - 1, bytes + size);
        }
        int64_t units = column_units((uint64_t)values[at - 1], (uint64_t)values[at], unit);
        size += varint_put(varint_fold(units), bytes + size);
        int r = buffer_append(out, bytes, size);
        if (r < 0)
            return r;
    }
    return 0;
}

int column_encode(const int64_t *values, size_t count, struct buffer *out,
                  struct column_summary *ret_summary)
{
    if (count == 0 || count > COLUMN_COUNT_LIMIT)
        return -ERANGE;
    struct column_changes changes;
    column_find_changes(values, count, &changes);
    struct column_summary summary = column_summarize_changes(values, count, &changes);
    struct column_head head = {.unit = column_unit(values, &changes, &summary),
                               .first = (uint64_t)values[0]};
    int r = column_append_head(out, &head, &summary);
    if (r == 0 && head.unit > 0)
        r = column_append_steps(out, values, &changes, head.unit);
    if (r == 0 && ret_summary)
        *ret_summary = summary;
    return r;
}

/* No value can be outside of the extremes, nor can the sum. */
static bool column_is_sane(const struct column_summary *summary, int64_t first)
{
    column_wide count = (column_wide)summary->count;
    return summary->min <= first && first <= summary->max && summary->min <= summary->last &&
           summary->last <= summary->max && summary->sum >= column_clamp(summary->min * count) &&
           summary->sum <= column_clamp(summary->max * count);
}

static int column_read_summary(struct varint_reader *reader, size_t count,
                               const struct column_head *head, struct column_summary *ret_summary)
{
    uint64_t down = 0, up = 0;
    int64_t last = 0, sum = 0;
    int r = varint_read(reader, &down);
    if (r == 0)
        r = varint_read(reader, &up);
    if (r == 0)
        r = varint_read_signed(reader, &last);
    if (r == 0)
        r = varint_read_signed(reader, &sum);
    if (r < 0)
        return r;
    *ret_summary = (struct column_summary){
        .count = count,
        .min = (int64_t)(head->first - down * head->unit),
        .max = (int64_t)(head->first + up * head->unit),
        .last = (int64_t)(head->first + (uint64_t)last * head->unit),
        .sum = (int64_t)(head->first * count + (uint64_t)sum * head->unit),
    };
    return column_is_sane(ret_summary, (int64_t)head->first) ? 0 : -EUCLEAN;
}

static int column_read_head(struct varint_reader *reader, size_t count,
                            struct column_head *ret_head, struct column_summary *ret_summary)
{
    if (count == 0 || count > COLUMN_COUNT_LIMIT)
        return -EUCLEAN;
    int64_t first = 0;
    int r = varint_read(reader, &ret_head->unit);
    if (r == 0)
        r = varint_read_signed(reader, &first);
    if (r < 0)
        return r;
    ret_head->first = (uint64_t)first;
    if (ret_head->unit > 0)
        return column_read_summary(reader, count, ret_head, ret_summary);
    column_wide sum = (column_wide)first * (column_wide)count;
    *ret_summary = (struct column_summary){
        .count = count, .min = first, .max = first, .last = first, .sum = column_clamp(sum)};
    return reader->size == 0 ? 0 : -EUCLEAN;
}

int column_peek(const uint8_t *data, size_t size, size_t count, struct column_summary *ret_summary)
{
    struct varint_reader reader = {.data = data, .size = size};
    struct column_head head = {0};
    struct column_summary summary;
    int r = column_read_head(&reader, count, &head, &summary);
    if (r == 0)
        *ret_summary = summary;
    return r;
}

static int column_read_steps(struct varint_reader *reader, size_t count, uint64_t unit,
                             int64_t *values, struct column_summary *ret_summary)
{
    uint64_t value = (uint64_t)values[0];
    struct column_tally tally = {.min = values[0], .max = values[0], .sum = values[0]};
    size_t i = 1;
    while (i < count) {
        uint64_t folded = 0, same = count - i - 1; /* to the end, if nothing follows */
        if (reader->size > 0) {
            same = 0;
            int r = varint_read(reader, &folded);
            if (r == 0 && folded == 0)
                r = varint_read(reader, &same);
            if (r < 0 || same >= count - i)
                return -EUCLEAN;
        }
        value += (uint64_t)varint_unfold(folded) * unit;
        column_tally(&tally, (int64_t)value, (size_t)same + 1);
        for (size_t end = i + (size_t)same + 1; i < end; i++)
            values[i] = (int64_t)value;
    }
    *ret_summary = column_tally_end(&tally, (int64_t)value, count);
    return reader->size == 0 ? 0 : -EUCLEAN;
}

static bool column_summary_equal(const struct column_summary *a, const struct column_summary *b)
{
    return a->count == b->count && a->min == b->min && a->max == b->max && a->last == b->last &&
           a->sum == b->sum;
}

int column_decode(const uint8_t *data, size_t size, size_t count, int64_t *ret_values)
{
    struct varint_reader reader = {.data = data, .size = size};
    struct column_head head = {0};
    struct column_summary promised, found;
    int r = column_read_head(&reader, count, &head, &promised);
    if (r < 0)
        return r;
    ret_values[0] = (int64_t)head.first;
    r = column_read_steps(&reader, count, head.unit, ret_values, &found);
    if (r < 0)
        return r;
    return column_summary_equal(&promised, &found) ? 0 : -EUCLEAN;
}
