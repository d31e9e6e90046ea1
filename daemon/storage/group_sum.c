/* SPDX-License-Identifier: MIT */
#include "storage/group_sum.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t group_sum_slots(const struct group_sum *sum, struct tick_range range)
{
    return (size_t)((range.end - 1) / sum->slot_ticks - range.first / sum->slot_ticks + 1);
}

int group_sum_init(struct group_sum *sum, const struct tick_set *ticks, int64_t slot_ticks)
{
    *sum = (struct group_sum){.ticks = ticks, .slot_ticks = slot_ticks};
    sum->offsets = calloc(ticks->count + 1, sizeof(*sum->offsets));
    if (!sum->offsets)
        return -ENOMEM;
    for (size_t i = 0; i < ticks->count; i++) {
        sum->offsets[i] = sum->count;
        sum->count += group_sum_slots(sum, ticks->ranges[i]);
    }
    sum->offsets[ticks->count] = sum->count;
    sum->slots = calloc(sum->count + 1, sizeof(*sum->slots));
    sum->member = calloc(sum->count + 1, sizeof(*sum->member));
    if (sum->slots && sum->member)
        return 0;
    group_sum_finish(sum);
    return -ENOMEM;
}

void group_sum_finish(struct group_sum *sum)
{
    free(sum->offsets);
    free(sum->slots);
    free(sum->member);
    *sum = (struct group_sum){0};
}

/* The range that ends behind the tick, the first one; ticks->count: there is none. */
static size_t group_sum_range(const struct group_sum *sum, int64_t tick)
{
    size_t low = 0, high = sum->ticks->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sum->ticks->ranges[middle].end <= tick)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool group_sum_holds(const struct group_sum *sum, size_t range, int64_t tick)
{
    return range < sum->ticks->count && tick >= sum->ticks->ranges[range].first &&
           tick < sum->ticks->ranges[range].end;
}

/* NULL: the sum is not about this tick. */
static struct group_slot *group_sum_at(struct group_sum *sum, int64_t tick)
{
    if (!group_sum_holds(sum, sum->hint, tick))
        sum->hint = group_sum_range(sum, tick);
    if (!group_sum_holds(sum, sum->hint, tick))
        return NULL;
    int64_t first = sum->ticks->ranges[sum->hint].first;
    return &sum->member[sum->offsets[sum->hint] +
                        (size_t)(tick / sum->slot_ticks - first / sum->slot_ticks)];
}

/* Pieces come oldest first, but for those that another level fills in: they are of other slots. */
static void group_slot_add(struct group_slot *slot, double count,
                           const struct column_summary *known)
{
    if (slot->count == 0 || known->min < slot->min)
        slot->min = known->min;
    if (slot->count == 0 || known->max > slot->max)
        slot->max = known->max;
    slot->last = known->last;
    slot->sum += (double)known->sum / (double)known->count * count;
    slot->count += count;
}

void group_sum_tick(struct group_sum *sum, int64_t tick, int64_t value)
{
    const struct column_summary known = {
        .count = 1, .min = value, .max = value, .last = value, .sum = value};
    struct group_slot *slot = group_sum_at(sum, tick);
    if (slot)
        group_slot_add(slot, 1, &known);
}

void group_sum_entry(struct group_sum *sum, struct tick_range ticks,
                     const struct column_summary *known)
{
    double share = (double)known->count / (double)(ticks.end - ticks.first);
    for (size_t i = group_sum_range(sum, ticks.first); i < sum->ticks->count; i++) {
        struct tick_range part = tick_range_common(sum->ticks->ranges[i], ticks);
        if (tick_range_empty(part))
            return;
        while (part.first < part.end) {
            int64_t next = (part.first / sum->slot_ticks + 1) * sum->slot_ticks;
            next = next < part.end ? next : part.end;
            struct group_slot *slot = group_sum_at(sum, part.first);
            if (slot)
                group_slot_add(slot, (double)(next - part.first) * share, known);
            part.first = next;
        }
    }
}

static struct tick_range group_sum_slot_ticks(const struct group_sum *sum, size_t range,
                                              size_t slot)
{
    struct tick_range ticks = sum->ticks->ranges[range];
    int64_t first = ticks.first / sum->slot_ticks + (int64_t)(slot - sum->offsets[range]);
    return tick_range_common(
        ticks, (struct tick_range){first * sum->slot_ticks, (first + 1) * sum->slot_ticks});
}

static int64_t group_sum_plus(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return b < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

/* A member that was not there for all of the slot brings nothing for the rest of it. */
static void group_slot_take(struct group_slot *slot, const struct group_slot *member,
                            struct tick_range ticks, struct tick_range life)
{
    struct tick_range there = tick_range_common(ticks, life);
    double share = (double)(there.end - there.first) / (double)(ticks.end - ticks.first);
    bool whole = there.first == ticks.first && there.end == ticks.end;
    slot->count++;
    slot->sum += member->sum / member->count * share;
    slot->max = group_sum_plus(slot->max, member->max);
    slot->min = group_sum_plus(slot->min, whole || member->min < 0 ? member->min : 0);
    slot->last = group_sum_plus(slot->last, there.end == ticks.end ? member->last : 0);
}

static struct group_slot group_slot_held(double value)
{
    int64_t whole = value >= 0x1p63 ? INT64_MAX : value <= -0x1p63 ? INT64_MIN : (int64_t)value;
    return (struct group_slot){.count = 1, .sum = value, .min = whole, .max = whole, .last = whole};
}

/* One member from here on: what was known last, and from where on nothing was. */
struct group_carry {
    struct group_sum *sum;
    struct tick_range life;
    struct group_slot held; /* count 0: nothing yet */
    bool back;
};

/* Before the first value that is known, in this range of ticks. */
static void group_carry_back(const struct group_carry *carry, size_t range, size_t slot)
{
    struct group_sum *sum = carry->sum;
    struct group_slot held = group_slot_held(sum->member[slot].sum / sum->member[slot].count);
    int64_t until = group_sum_slot_ticks(sum, range, slot).first;
    while (slot-- > sum->offsets[range]) {
        struct tick_range ticks = group_sum_slot_ticks(sum, range, slot);
        if (ticks.end <= carry->life.first || until - ticks.first > GROUP_SUM_BACK_TICKS)
            return;
        group_slot_take(&sum->slots[slot], &held, ticks, carry->life);
    }
}

static void group_carry_slot(struct group_carry *carry, size_t range, size_t slot)
{
    struct group_slot *member = &carry->sum->member[slot];
    struct tick_range ticks = group_sum_slot_ticks(carry->sum, range, slot);
    if (member->count > 0) {
        if (carry->held.count == 0 && carry->back)
            group_carry_back(carry, range, slot);
        group_slot_take(&carry->sum->slots[slot], member, ticks, carry->life);
        carry->held = group_slot_held((double)member->last);
        carry->held.min = carry->held.max = carry->held.last = member->last;
        *member = (struct group_slot){0};
    } else if (carry->held.count > 0) {
        group_slot_take(&carry->sum->slots[slot], &carry->held, ticks, carry->life);
    }
}

void group_sum_member_end(struct group_sum *sum, struct tick_range life, bool back)
{
    struct group_carry carry = {.sum = sum, .life = life, .back = back};
    for (size_t range = group_sum_range(sum, life.first); range < sum->ticks->count; range++) {
        struct tick_range ticks = tick_range_common(sum->ticks->ranges[range], life);
        if (tick_range_empty(ticks))
            return;
        size_t first = (size_t)(ticks.first / sum->slot_ticks -
                                sum->ticks->ranges[range].first / sum->slot_ticks);
        for (size_t i = 0; i < group_sum_slots(sum, ticks); i++)
            group_carry_slot(&carry, range, sum->offsets[range] + first + i);
    }
}

bool group_sum_slot(const struct group_sum *sum, size_t slot, struct tick_range *ret_ticks,
                    struct bucket_entry *ret_entry)
{
    const struct group_slot *found = &sum->slots[slot];
    if (found->count == 0)
        return false;
    size_t low = 0, high = sum->ticks->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (sum->offsets[middle] <= slot)
            low = middle;
        else
            high = middle;
    }
    *ret_ticks = group_sum_slot_ticks(sum, low, slot);
    *ret_entry = (struct bucket_entry){.average = found->sum,
                                       .share = 1,
                                       .min = found->min,
                                       .max = found->max,
                                       .last = found->last};
    return true;
}
