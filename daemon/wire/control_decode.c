/* SPDX-License-Identifier: MIT */
#include "wire/control.h"

#include "wire/layout.h"
#include "wire/object.h"

#include <errno.h>
#include <string.h>

static int name_index(const char *line, const struct object_node *node, const char *const *names)
{
    for (int i = 0; names[i]; i++)
        if (node->kind == OBJECT_STRING && object_is(line, node, names[i]))
            return i;
    return -EINVAL;
}

static int decode_steps(const char *line, const struct object_node *node, struct control_run *run)
{
    if (node->kind != OBJECT_ARRAY || node->size < 1 || node->size > CONTROL_STEPS_MAX)
        return -EINVAL;
    run->step_count = (size_t)node->size;
    for (int i = 0; i < node->size; i++) {
        int r = object_text(line, &node[1 + i], run->steps[i], CONTROL_STEP_SIZE);
        if (r < 0 || !layout_step_is_sound(run->steps[i]))
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
        return layout_step_is_sound(message->step.step);
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
