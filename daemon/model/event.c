/* SPDX-License-Identifier: MIT */
#include "model/event.h"

#include "base/text.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const char *const event_kind_names[EVENT_KIND_COUNT] = {
#define X(id, name) [EVENT_KIND_##id] = (name),
    EVENT_KIND_TABLE(X)
#undef X
};

const char *event_kind_name(enum event_kind kind)
{
    return event_kind_names[kind];
}

int event_kind_find(const char *name, enum event_kind *ret_kind)
{
    for (enum event_kind kind = 0; kind < EVENT_KIND_COUNT; kind++) {
        if (strcmp(event_kind_names[kind], name) == 0) {
            *ret_kind = kind;
            return 0;
        }
    }
    return -ENOENT;
}

static const char *const event_number_names[EVENT_NUMBER_COUNT] = {
#define X(id, name) [EVENT_NUMBER_##id] = (name),
    EVENT_NUMBER_TABLE(X)
#undef X
};

const char *event_number_name(enum event_number number)
{
    return event_number_names[number];
}

bool event_number(const struct event *event, enum event_number number, int64_t *ret_value)
{
    if (!(event->numbers_present >> number & 1))
        return false;
    *ret_value = event->numbers[number];
    return true;
}

void event_set_number(struct event *event, enum event_number number, int64_t value)
{
    event->numbers_present |= UINT32_C(1) << number;
    event->numbers[number] = value;
}

static const struct event_word_place {
    const char *name;
    size_t offset, size;
} event_words[EVENT_WORD_COUNT] = {
#define X(id, name, member)                                                                        \
    [EVENT_WORD_##                                                                                 \
        id] = {(name), offsetof(struct event, member), sizeof(((struct event *)NULL)->member)},
    EVENT_WORD_TABLE(X)
#undef X
};

const char *event_word_name(enum event_word word)
{
    return event_words[word].name;
}

const char *event_word(const struct event *event, enum event_word word)
{
    return (const char *)event + event_words[word].offset;
}

void event_set_word(struct event *event, enum event_word word, const char *text)
{
    text_copy((char *)event + event_words[word].offset, event_words[word].size, text);
}
