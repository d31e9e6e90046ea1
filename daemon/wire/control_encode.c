/* SPDX-License-Identifier: MIT */
#include "wire/control.h"

#include "base/text.h"
#include "wire/layout.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static int encode_text(struct buffer *buffer, const char *text, size_t size)
{
    char clean[CONTROL_TEXT_MAX_BYTES];
    size_t length = text_clean(clean, size, text, strnlen(text, size));
    int r = buffer_append(buffer, "\"", 1);
    for (size_t i = 0; i < length && r == 0; i++) {
        if (clean[i] == '"' || clean[i] == '\\')
            r = buffer_append(buffer, "\\", 1);
        if (r == 0)
            r = buffer_append(buffer, &clean[i], 1);
    }
    return r < 0 ? r : buffer_append(buffer, "\"", 1);
}

static int encode_number(struct buffer *buffer, uint64_t value, uint64_t maximum)
{
    return value > maximum ? -EINVAL : buffer_printf(buffer, "%" PRIu64, value);
}

static int encode_triple(struct buffer *buffer, const uint64_t *values)
{
    int r = 0;
    for (int i = 0; i < 3 && r == 0; i++) {
        r = buffer_append(buffer, i > 0 ? "," : "[", 1);
        if (r == 0)
            r = encode_number(buffer, values[i], LAYOUT_ANY_NUMBER);
    }
    return r < 0 ? r : buffer_append(buffer, "]", 1);
}

static int encode_flags(struct buffer *buffer, uint32_t flags, const char *const *names)
{
    int r = buffer_append(buffer, "[", 1);
    const char *separator = "";
    for (int i = 0; names[i] && r == 0; i++) {
        if (!(flags & UINT32_C(1) << i))
            continue;
        r = buffer_printf(buffer, "%s\"%s\"", separator, names[i]);
        separator = ",";
    }
    return r < 0 ? r : buffer_append(buffer, "]", 1);
}

static int encode_steps(struct buffer *buffer, const struct control_run *run)
{
    if (run->step_count < 1 || run->step_count > CONTROL_STEPS_MAX)
        return -EINVAL;
    int r = 0;
    for (size_t i = 0; i < run->step_count && r == 0; i++) {
        if (!memchr(run->steps[i], '\0', CONTROL_STEP_SIZE) || !layout_step_is_sound(run->steps[i]))
            return -EINVAL;
        r = buffer_printf(buffer, "%c\"%s\"", i > 0 ? ',' : '[', run->steps[i]);
    }
    return r < 0 ? r : buffer_append(buffer, "]", 1);
}

static int encode_classes(struct buffer *buffer, const struct control_classes *classes)
{
    if (classes->count > CONTROL_CLASSES_MAX)
        return -EINVAL;
    int r = buffer_append(buffer, "[", 1);
    for (uint32_t i = 0; i < classes->count && r == 0; i++)
        r = buffer_printf(buffer, "%s%" PRIu32, i > 0 ? "," : "", classes->values[i]);
    return r < 0 ? r : buffer_append(buffer, "]", 1);
}

static int encode_holders(struct buffer *buffer, const struct control_holders *holders)
{
    if (holders->count > CONTROL_HOLDERS_MAX)
        return -EINVAL;
    int r = buffer_append(buffer, "[", 1);
    for (uint32_t i = 0; i < holders->count && r == 0; i++) {
        if (i > 0)
            r = buffer_append(buffer, ",", 1);
        if (r == 0)
            r = encode_text(buffer, holders->names[i], sizeof(holders->names[i]));
    }
    return r < 0 ? r : buffer_append(buffer, "]", 1);
}

static int encode_choice(struct buffer *buffer, const char *place, const char *const *names)
{
    unsigned index, count = 0;
    memcpy(&index, place, sizeof(index));
    while (names[count])
        count++;
    return index >= count ? -EINVAL : buffer_printf(buffer, "\"%s\"", names[index]);
}

static int encode_value(struct buffer *buffer, const struct field *field, const char *body)
{
    const char *place = body + field->offset;
    switch (field->kind) {
    case FIELD_U64:
        return encode_number(buffer, *(const uint64_t *)(const void *)place, field->maximum);
    case FIELD_BOOL:
        return buffer_append_text(buffer, *(const bool *)place ? "true" : "false");
    case FIELD_TEXT:
        return encode_text(buffer, place, field->size);
    case FIELD_TRIPLE:
        return encode_triple(buffer, (const uint64_t *)(const void *)place);
    case FIELD_FLAGS:
        return encode_flags(buffer, *(const uint32_t *)(const void *)place, field->names);
    case FIELD_STEPS:
        return encode_steps(buffer, (const struct control_run *)(const void *)body);
    case FIELD_CLASSES:
        return encode_classes(buffer, (const struct control_classes *)(const void *)place);
    case FIELD_HOLDERS:
        return encode_holders(buffer, (const struct control_holders *)(const void *)place);
    case FIELD_CHOICE:
        return encode_choice(buffer, place, field->names);
    }
    return -EINVAL;
}

static int encode_fields(struct buffer *buffer, const struct layout *layout, uint64_t id,
                         const char *body)
{
    int r = buffer_printf(buffer, "{\"t\":\"%s\"", layout->type);
    if (r == 0 && layout->id != ID_NONE)
        r = buffer_printf(buffer, ",\"id\":%" PRIu64, id);
    for (size_t i = 0; i < layout->count && r == 0; i++) {
        const struct field *field = &layout->fields[i];
        if (field->has &&
            !(*(const uint32_t *)(const void *)(body + layout->has_offset) & field->has))
            continue;
        r = buffer_printf(buffer, ",\"%s\":", field->key);
        if (r == 0)
            r = encode_value(buffer, field, body);
    }
    return r < 0 ? r : buffer_append(buffer, "}\n", 2);
}

static int encode(struct buffer *buffer, enum control_type type, uint64_t id, const void *body)
{
    const struct layout *layout = &layouts[type];
    size_t before = buffer->size;
    if (id > LAYOUT_ANY_NUMBER || (id == 0 && layout->id == ID_REQUIRED))
        return -EINVAL;
    int r = encode_fields(buffer, layout, id, body);
    if (r < 0)
        buffer->size = before;
    return r;
}

int control_encode_hello(struct buffer *buffer, const struct control_hello *hello)
{
    return encode(buffer, CONTROL_HELLO, 0, hello);
}

int control_encode_stat(struct buffer *buffer, uint64_t id, const struct control_stat *stat)
{
    return encode(buffer, CONTROL_STAT, id, stat);
}

int control_encode_stats(struct buffer *buffer, uint64_t id, const struct control_stats *stats)
{
    return encode(buffer, CONTROL_STATS, id, stats);
}

int control_encode_run(struct buffer *buffer, uint64_t id, const struct control_run *run)
{
    return encode(buffer, CONTROL_RUN, id, run);
}

int control_encode_step(struct buffer *buffer, uint64_t id, const struct control_step *step)
{
    return layout_step_is_sound(step->step) ? encode(buffer, CONTROL_STEP, id, step) : -EINVAL;
}

int control_encode_done(struct buffer *buffer, uint64_t id, const struct control_done *done)
{
    return encode(buffer, CONTROL_DONE, id, done);
}

int control_encode_census(struct buffer *buffer, uint64_t id, const struct control_census *census)
{
    return census->top > 0 ? encode(buffer, CONTROL_CENSUS, id, census) : -EINVAL;
}

int control_encode_finding(struct buffer *buffer, uint64_t id,
                           const struct control_finding *finding)
{
    return encode(buffer, CONTROL_FINDING, id, finding);
}

int control_encode_censused(struct buffer *buffer, uint64_t id,
                            const struct control_censused *censused)
{
    return encode(buffer, CONTROL_CENSUSED, id, censused);
}

int control_encode_mark(struct buffer *buffer, const struct control_mark *mark)
{
    return encode(buffer, CONTROL_MARK, 0, mark);
}

int control_encode_error(struct buffer *buffer, uint64_t id, enum control_result error)
{
    struct control_error body = {.error = error};
    return error == CONTROL_RESULT_OK ? -EINVAL : encode(buffer, CONTROL_ERROR, id, &body);
}

int control_encode_bye(struct buffer *buffer, const char *why)
{
    struct control_bye body = {0};
    text_copy(body.why, sizeof(body.why), why);
    return encode(buffer, CONTROL_BYE, 0, &body);
}
