/* SPDX-License-Identifier: MIT */
#include "engine/store_record.h"

#include <stdlib.h>
#include <string.h>

static struct store_record *store_record_new(int (*write)(struct store *, const void *),
                                             const void *payload, size_t size)
{
    struct store_record *record = malloc(sizeof(*record) + size);
    if (!record)
        return NULL;
    *record = (struct store_record){.write = write};
    if (size > 0)
        memcpy(record->payload, payload, size);
    return record;
}

static int write_event(struct store *store, const void *payload)
{
    return store_write_event(store, payload);
}

struct pinned_event {
    struct event event;
    struct pin pin;
};

static int write_pinned_event(struct store *store, const void *payload)
{
    const struct pinned_event *pinned = payload;
    int r = store_write_event(store, &pinned->event);
    return r < 0 ? r : store_write_pin(store, &pinned->event, &pinned->pin);
}

static int write_receipt(struct store *store, const void *payload)
{
    return store_write_receipt(store, payload);
}

static int write_arming(struct store *store, const void *payload)
{
    return store_arming_put(store, payload);
}

static int write_arming_delete(struct store *store, const void *payload)
{
    return store_arming_delete(store, payload);
}

static int write_rule_delete(struct store *store, const void *payload)
{
    return store_rule_delete(store, payload);
}

static int write_setting_delete(struct store *store, const void *payload)
{
    return store_setting_delete(store, payload);
}

/* Two texts, one after the other. */
static const char *second_text(const char *first)
{
    return first + strlen(first) + 1;
}

static int write_rule(struct store *store, const void *payload)
{
    return store_rule_put(store, payload, second_text(payload));
}

static int write_setting(struct store *store, const void *payload)
{
    return store_setting_put(store, payload, second_text(payload));
}

static struct store_record *store_record_texts(int (*write)(struct store *, const void *),
                                               const char *first, const char *second)
{
    size_t first_size = strlen(first) + 1, second_size = strlen(second) + 1;
    struct store_record *record = malloc(sizeof(*record) + first_size + second_size);
    if (!record)
        return NULL;
    *record = (struct store_record){.write = write};
    char *payload = (char *)record->payload;
    memcpy(payload, first, first_size);
    memcpy(payload + first_size, second, second_size);
    return record;
}

struct store_record *store_record_event(const struct event *event, const struct pin *pin)
{
    if (!pin || pin->count == 0)
        return store_record_new(write_event, event, sizeof(*event));
    struct pinned_event pinned = {.event = *event, .pin = *pin};
    return store_record_new(write_pinned_event, &pinned, sizeof(pinned));
}

struct store_record *store_record_receipt(const struct receipt *receipt)
{
    return store_record_new(write_receipt, receipt, sizeof(*receipt));
}

struct store_record *store_record_rule_put(const char *name, const char *text)
{
    return store_record_texts(write_rule, name, text);
}

struct store_record *store_record_rule_delete(const char *name)
{
    return store_record_new(write_rule_delete, name, strlen(name) + 1);
}

struct store_record *store_record_arming_put(const struct rule_arming *arming)
{
    return store_record_new(write_arming, arming, sizeof(*arming));
}

struct store_record *store_record_arming_delete(const char *name)
{
    return store_record_new(write_arming_delete, name, strlen(name) + 1);
}

struct store_record *store_record_setting(const char *name, const char *value)
{
    return value ? store_record_texts(write_setting, name, value)
                 : store_record_new(write_setting_delete, name, strlen(name) + 1);
}

struct store_record *store_record_stop(void)
{
    return store_record_new(NULL, NULL, 0);
}
