/* SPDX-License-Identifier: MIT */
#include "engine/group_table.h"

#include "base/text.h"
#include "engine/pages.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SUFFIX_SIZE 8 /* "#99" */

int group_table_init(struct group_table *table)
{
    struct group_table new = {
        .groups = pages_map(GROUP_LIMIT, sizeof(*new.groups)),
        .states = pages_map(GROUP_LIMIT, sizeof(*new.states)),
    };
    if (!new.groups || !new.states) {
        group_table_finish(&new);
        return -ENOMEM;
    }
    *table = new;
    return 0;
}

void group_table_finish(struct group_table *table)
{
    pages_unmap(table->groups, GROUP_LIMIT, sizeof(*table->groups));
    pages_unmap(table->states, GROUP_LIMIT, sizeof(*table->states));
    *table = (struct group_table){0};
}

struct group_record *group_table_at(const struct group_table *table, uint32_t place)
{
    return place > 0 && place <= table->count ? &table->groups[place - 1] : NULL;
}

uint64_t group_table_alive(const struct group_record *group)
{
    return group->came - group->went;
}

/* FNV-1a. */
static uint32_t hash_of(const char *text)
{
    uint32_t hash = UINT32_C(2166136261);
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT32_C(16777619);
    return hash;
}

uint32_t group_table_find(const struct group_table *table, const char *name)
{
    uint32_t hash = hash_of(name);
    for (size_t i = 0; i < table->count; i++)
        if (table->states[i].hash == hash && table->groups[i].kind != GROUP_KIND_NONE &&
            strcmp(table->groups[i].name, name) == 0)
            return (uint32_t)i + 1;
    return 0;
}

static void release(struct group_table *table, size_t index)
{
    table->groups[index] = (struct group_record){0};
    table->states[index] = (struct group_state){0};
    while (table->count > 0 && table->groups[table->count - 1].kind == GROUP_KIND_NONE)
        table->count--;
}

/* Nobody is in it, and it is nobody's by name. */
static bool may_go(const struct group_record *group)
{
    return group->kind != GROUP_KIND_CONFIG && group_table_alive(group) == 0;
}

/* What ended in this very tick has been gone for the shortest time. */
static uint64_t gone_since(const struct group_table *table, size_t index)
{
    uint64_t usec = table->states[index].gone_usec;
    return usec > 0 ? usec : UINT64_MAX;
}

/* A free place, else that of the group which has been without members for longest; 0 = none. */
static uint32_t place_find(struct group_table *table)
{
    size_t longest = table->count;
    for (size_t i = 0; i < table->count; i++) {
        if (table->groups[i].kind == GROUP_KIND_NONE)
            return (uint32_t)i + 1;
        if (may_go(&table->groups[i]) &&
            (longest == table->count || gone_since(table, i) < gone_since(table, longest)))
            longest = i;
    }
    if (table->count < GROUP_LIMIT)
        return (uint32_t)++table->count;
    return longest < table->count ? (uint32_t)longest + 1 : 0;
}

static bool fits(const struct group_table *table, size_t index, const struct group_key *key)
{
    const struct group_record *group = &table->groups[index];
    if (group->kind != key->kind || strcmp(table->states[index].base, key->base) != 0)
        return false;
    if (group_is_family(key->kind))
        return group->uid == key->uid && group_table_alive(group) == 0;
    return key->kind != GROUP_KIND_NAME || group->uid == key->uid;
}

static uint32_t make(struct group_table *table, const struct group_key *key, const char *name,
                     const struct group_time *time)
{
    uint32_t place = place_find(table);
    if (place == 0) {
        table->refused++;
        return 0;
    }
    struct group_record *group = &table->groups[place - 1];
    struct group_state *state = &table->states[place - 1];
    *group = (struct group_record){
        .kind = key->kind, .uid = key->uid, .first_seen_wall_usec = time->wall_usec};
    *state = (struct group_state){.hash = hash_of(name)};
    text_copy(group->name, sizeof(group->name), name);
    text_copy(state->base, sizeof(state->base), key->base);
    return place;
}

uint32_t group_table_take(struct group_table *table, const struct group_key *key,
                          const struct group_time *time)
{
    char name[GROUP_NAME_SIZE], suffix[SUFFIX_SIZE] = "";
    for (unsigned number = 1; number <= GROUP_TABLE_SAME_NAMES; number++) {
        if (number > 1)
            snprintf(suffix, sizeof(suffix), "#%u", number);
        size_t length = text_copy(name, sizeof(name) - strlen(suffix), key->base);
        text_copy(name + length, sizeof(name) - length, suffix);
        uint32_t place = group_table_find(table, name);
        if (place == 0)
            return make(table, key, name, time);
        if (fits(table, place - 1, key))
            return place;
    }
    table->refused++;
    return 0;
}

/* ---- members ---- */

/* The slice under way; those that have passed since the last look are emptied. */
static uint32_t *slice_at(struct group_state *state, uint64_t mono_usec)
{
    uint64_t slice = mono_usec / GROUP_TABLE_SLICE_USEC;
    for (uint64_t i = state->slice + 1; i <= slice && i <= state->slice + GROUP_TABLE_SLICES; i++)
        state->came[i % GROUP_TABLE_SLICES] = 0;
    state->slice = slice;
    return &state->came[slice % GROUP_TABLE_SLICES];
}

void group_table_came(struct group_table *table, uint32_t place, const struct group_member *member,
                      const struct group_time *time)
{
    struct group_record *group = group_table_at(table, place);
    struct group_state *state = &table->states[place - 1];
    if (group->came == 0 && group->kind == GROUP_KIND_CONFIG)
        group->uid = member->uid;
    group->mixed_uids |= group->uid != member->uid;
    group->came++;
    group->gone_wall_usec = 0;
    state->gone_usec = 0;
    if (member->witnessed)
        ++*slice_at(state, time->mono_usec);
}

void group_table_went(struct group_table *table, uint32_t place, const struct group_member *member)
{
    struct group_record *group = group_table_at(table, place);
    group->went++;
    group->went_peak_sum_bytes += member->peak_rss_bytes;
    if (member->peak_rss_bytes > group->went_peak_largest_bytes)
        group->went_peak_largest_bytes = member->peak_rss_bytes;
}

void group_table_moved(struct group_table *table, uint32_t place, const struct group_member *member)
{
    struct group_record *group = group_table_at(table, place);
    struct group_state *state = &table->states[place - 1];
    uint32_t *slice = &state->came[state->slice % GROUP_TABLE_SLICES];
    group->came--;
    if (member->witnessed && *slice > 0)
        --*slice;
    if (group->came == 0 && may_go(group))
        release(table, place - 1);
}

uint32_t group_table_came_last_hour(struct group_table *table, uint32_t place, uint64_t mono_usec)
{
    struct group_state *state = &table->states[place - 1];
    uint32_t sum = 0;
    slice_at(state, mono_usec);
    for (size_t i = 0; i < GROUP_TABLE_SLICES; i++)
        sum += state->came[i];
    return sum;
}

/* ---- a tick ---- */

static void take_peaks(struct group_record *group, uint64_t wall_usec)
{
    if (group->rss_bytes > group->peak_rss_bytes) {
        group->peak_rss_bytes = group->rss_bytes;
        group->peak_rss_wall_usec = wall_usec;
    }
    if (group->pss_consistent && group->pss_bytes > group->peak_pss_bytes) {
        group->peak_pss_bytes = group->pss_bytes;
        group->peak_pss_wall_usec = wall_usec;
    }
}

static void on_tick_one(struct group_table *table, size_t index, const struct group_time *time)
{
    struct group_record *group = &table->groups[index];
    struct group_state *state = &table->states[index];
    if (group_table_alive(group) > 0) {
        take_peaks(group, time->wall_usec);
        return;
    }
    if (state->gone_usec == 0) {
        state->gone_usec = time->mono_usec;
        group->gone_wall_usec = group->came > 0 ? time->wall_usec : 0;
    }
    if (may_go(group) && time->mono_usec - state->gone_usec >= GROUP_TABLE_KEEP_USEC)
        release(table, index);
}

void group_table_on_tick(struct group_table *table, const struct group_time *time)
{
    for (size_t i = table->count; i-- > 0;)
        if (table->groups[i].kind != GROUP_KIND_NONE)
            on_tick_one(table, i, time);
}
