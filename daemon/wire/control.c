/* SPDX-License-Identifier: MIT */
#include "wire/control.h"

#include "base/text.h"
#include "wire/object.h"
#include "wire/layout.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* ---- decode ---- */

static int name_index(const char *line, const struct object_node *node, const char *const *names)
{
    for (int i = 0; names[i]; i++)
        if (node->kind == OBJECT_STRING && object_is(line, node, names[i]))
            return i;
    return -EINVAL;
}

static bool step_is_sound(const char *step)
{
    return step[0] && strspn(step, "abcdefghijklmnopqrstuvwxyz_") == strlen(step);
}

static int decode_steps(const char *line, const struct object_node *node, struct control_run *run)
{
    if (node->kind != OBJECT_ARRAY || node->size < 1 || node->size > CONTROL_STEPS_MAX)
        return -EINVAL;
    run->step_count = (size_t)node->size;
    for (int i = 0; i < node->size; i++) {
        int r = object_text(line, &node[1 + i], run->steps[i], CONTROL_STEP_SIZE);
        if (r < 0 || !step_is_sound(run->steps[i]))
            return -EINVAL;
    }
    return 0;
}

static int decode_triple(const char *line, const struct object_node *node, uint64_t *ret_values)
{
    if (node->kind != OBJECT_ARRAY || node->size != 3)
        return -EINVAL;
    for (int i = 0; i < 3; i++) {
        int r = object_u64(line, &node[1 + i], LAYOUT_ANY_NUMBER, &ret_values[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

static int decode_classes(const char *line, const struct object_node *node,
                          struct control_classes *ret_classes)
{
    if (node->kind != OBJECT_ARRAY || node->size > CONTROL_CLASSES_MAX)
        return -EINVAL;
    struct control_classes classes = {.count = (uint32_t)node->size};
    for (int i = 0; i < node->size; i++) {
        uint64_t value;
        int r = object_u64(line, &node[1 + i], UINT32_MAX, &value);
        if (r < 0)
            return r;
        classes.values[i] = (uint32_t)value;
    }
    *ret_classes = classes;
    return 0;
}

static int decode_holders(const char *line, const struct object_node *node,
                          struct control_holders *ret_holders)
{
    if (node->kind != OBJECT_ARRAY || node->size > CONTROL_HOLDERS_MAX)
        return -EINVAL;
    for (int i = 0; i < node->size; i++) {
        int r = object_text(line, &node[1 + i], ret_holders->names[i], CONTROL_PATH_SIZE);
        if (r < 0)
            return r;
    }
    ret_holders->count = (uint32_t)node->size;
    return 0;
}

static int decode_flags(const char *line, const struct object_node *node, const char *const *names,
                        uint32_t *ret_flags)
{
    if (node->kind != OBJECT_ARRAY)
        return -EINVAL;
    uint32_t flags = 0;
    for (int i = 0; i < node->size; i++) {
        if (node[1 + i].kind != OBJECT_STRING)
            return -EINVAL;
        int index = name_index(line, &node[1 + i], names);
        if (index >= 0)
            flags |= UINT32_C(1) << index;
    }
    *ret_flags = flags;
    return 0;
}

static int decode_value(const char *line, const struct object_node *node, const struct field *field,
                        char *body)
{
    char *place = body + field->offset;
    switch (field->kind) {
    case FIELD_U64:
        return object_u64(line, node, field->maximum, (uint64_t *)(void *)place);
    case FIELD_BOOL:
        return object_bool(line, node, (bool *)place);
    case FIELD_TEXT:
        return object_text(line, node, place, field->size);
    case FIELD_TRIPLE:
        return decode_triple(line, node, (uint64_t *)(void *)place);
    case FIELD_FLAGS:
        return decode_flags(line, node, field->names, (uint32_t *)(void *)place);
    case FIELD_STEPS:
        return decode_steps(line, node, (struct control_run *)(void *)body);
    case FIELD_CLASSES:
        return decode_classes(line, node, (struct control_classes *)(void *)place);
    case FIELD_HOLDERS:
        return decode_holders(line, node, (struct control_holders *)(void *)place);
    case FIELD_CHOICE: {
        int index = name_index(line, node, field->names);
        if (index >= 0)
            memcpy(place, &index, sizeof(index)); /* enums are as wide as int */
        return index < 0 ? index : 0;
    }
    }
    return -EINVAL;
}

/* The value behind the key in the root object, or NULL. */
static const struct object_node *find_value(const char *line, const struct object_node *nodes,
                                            const char *key)
{
    int at = 1;
    for (int i = 0; i < nodes[0].size; i++, at = nodes[at + 1].next)
        if (object_is(line, &nodes[at], key))
            return &nodes[at + 1];
    return NULL;
}

static int decode_id(const char *line, const struct object_node *nodes, enum id_rule rule,
                     uint64_t *ret_id)
{
    const struct object_node *node = find_value(line, nodes, "id");
    *ret_id = 0;
    if (rule == ID_NONE)
        return 0;
    if (!node)
        return rule == ID_REQUIRED ? -EINVAL : 0;
    int r = object_u64(line, node, LAYOUT_ANY_NUMBER, ret_id);
    return r == 0 && *ret_id == 0 && rule == ID_REQUIRED ? -EINVAL : r;
}

static int decode_fields(const char *line, const struct object_node *nodes,
                         const struct layout *layout, char *body)
{
    for (size_t i = 0; i < layout->count; i++) {
        const struct field *field = &layout->fields[i];
        const struct object_node *node = find_value(line, nodes, field->key);
        if (!node && field->required)
            return -EINVAL;
        if (!node)
            continue;
        int r = decode_value(line, node, field, body);
        if (r < 0)
            return r;
        if (field->has)
            *(uint32_t *)(void *)(body + layout->has_offset) |= field->has;
    }
    return 0;
}

/* Rules that bind fields to each other. */
static bool message_is_sound(const struct control_message *message)
{
    if (message->type == CONTROL_ERROR)
        return message->error.error != CONTROL_RESULT_OK;
    if (message->type == CONTROL_CENSUS)
        return message->census.top > 0;
    if (message->type == CONTROL_STEP)
        return step_is_sound(message->step.step);
    return true;
}

static char *message_body(struct control_message *message)
{
    return (char *)message + offsetof(struct control_message, hello);
}

enum control_outcome control_decode(const char *line, size_t length,
                                    struct control_message *ret_message)
{
    struct object_node nodes[CONTROL_TOKENS_MAX];
    if (length > CONTROL_LINE_MAX_BYTES ||
        object_read(line, length, CONTROL_DEPTH_MAX, nodes, CONTROL_TOKENS_MAX) < 0)
        return CONTROL_MALFORMED;

    struct control_message message = {0};
    if (decode_id(line, nodes, ID_OPTIONAL, &message.id) < 0)
        message.id = 0;
    ret_message->id = message.id;
    const struct object_node *type = find_value(line, nodes, "t");
    if (!type || type->kind != OBJECT_STRING)
        return CONTROL_INVALID;
    for (size_t i = 0; i < layout_count; i++) {
        if (!object_is(line, type, layouts[i].type))
            continue;
        message.type = (enum control_type)i;
        if (decode_id(line, nodes, layouts[i].id, &message.id) < 0 ||
            decode_fields(line, nodes, &layouts[i], message_body(&message)) < 0 ||
            !message_is_sound(&message))
            return CONTROL_INVALID;
        *ret_message = message;
        return CONTROL_DECODED;
    }
    return CONTROL_UNKNOWN_TYPE;
}

/* ---- encode ---- */

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
        if (!memchr(run->steps[i], '\0', CONTROL_STEP_SIZE) || !step_is_sound(run->steps[i]))
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
    return step_is_sound(step->step) ? encode(buffer, CONTROL_STEP, id, step) : -EINVAL;
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

static const char *name_of(const char *const *names, unsigned index)
{
    while (*names && index > 0) {
        names++;
        index--;
    }
    return *names ? *names : "unknown";
}

const char *control_result_name(enum control_result result)
{
    return name_of(layout_result_names, (unsigned)result);
}

const char *control_mode_name(enum control_mode mode)
{
    return name_of(layout_mode_names, (unsigned)mode);
}

const char *control_census_name(enum control_census_mode mode)
{
    return name_of(layout_census_names, (unsigned)mode);
}

const char *control_finding_name(enum control_finding_kind kind)
{
    return name_of(layout_finding_names, (unsigned)kind);
}

const char *control_phase_name(enum control_phase phase)
{
    return name_of(layout_phase_names, (unsigned)phase);
}
