/* SPDX-License-Identifier: MIT */
#include "wire/object.h"

#include "base/text.h"
#include "wire/limits.h"

#include <errno.h>
#include <jsmn.h>
#include <string.h>

struct object_reader {
    const char *line;
    struct object_node *nodes;
    int count;
};

static int object_begin(const struct object_node *node)
{
    return node->kind == OBJECT_STRING ? node->start - 1 : node->start;
}

static int object_behind(const struct object_node *node)
{
    return node->kind == OBJECT_STRING ? node->end + 1 : node->end;
}

static bool object_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The bytes between two tokens are blanks and exactly the separator ('\0': none). */
static bool object_gap(const char *line, int from, int to, char separator)
{
    int found = 0;
    for (int at = from; at < to; at++) {
        if (separator && line[at] == separator)
            found++;
        else if (!object_is_blank(line[at]))
            return false;
    }
    return from <= to && found == (separator ? 1 : 0);
}

static int object_hex4(const char *text, const char *end, uint32_t *ret_unit)
{
    if (end - text < 4)
        return -EINVAL;
    uint32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        char c = text[i];
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (uint32_t)((c | 0x20) - 'a') + 10;
        else
            return -EINVAL;
        unit = unit << 4 | digit;
    }
    *ret_unit = unit;
    return 0;
}

/* The character behind "\u", as a pair of surrogates where there is one. Returns bytes taken. */
static int object_code_point(const char *text, const char *end, uint32_t *ret_point)
{
    uint32_t high, low;
    if (object_hex4(text, end, &high) < 0 || high == 0)
        return -EINVAL;
    if (high < 0xD800 || high > 0xDFFF) {
        *ret_point = high;
        return 4;
    }
    if (high > 0xDBFF || end - text < 10 || text[4] != '\\' || text[5] != 'u' ||
        object_hex4(text + 6, end, &low) < 0 || low < 0xDC00 || low > 0xDFFF)
        return -EINVAL;
    *ret_point = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    return 10;
}

static size_t object_utf8(uint32_t point, char ret_bytes[static 4])
{
    if (point < 0x80) {
        ret_bytes[0] = (char)point;
        return 1;
    }
    size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, point >>= 6)
        ret_bytes[i] = (char)(0x80 | (point & 0x3F));
    ret_bytes[0] = (char)((0xF00 >> length & 0xF0) | point);
    return length;
}

/* One character of a string; returns the bytes taken from text, the character goes to ret. */
static int object_character(const char *text, const char *end, char ret_bytes[static 4],
                            size_t *ret_length)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    *ret_length = 1;
    ret_bytes[0] = text[0];
    if (text[0] != '\\')
        return (unsigned char)text[0] < 0x20 ? -EINVAL : 1;
    if (end - text < 2)
        return -EINVAL;
    if (text[1] == 'u') {
        uint32_t point;
        int taken = object_code_point(text + 2, end, &point);
        if (taken < 0)
            return taken;
        *ret_length = object_utf8(point, ret_bytes);
        return taken + 2;
    }
    const char *found = text[1] ? strchr(names, text[1]) : NULL;
    if (!found)
        return -EINVAL;
    ret_bytes[0] = values[found - names];
    return 2;
}

/* Unescape into ret (NULL: only judge). Returns the length or -errno. */
static int object_unescape(const char *line, const struct object_node *node, char *ret, size_t size)
{
    const char *end = line + node->end;
    size_t written = 0;
    for (const char *at = line + node->start; at < end;) {
        char bytes[4];
        size_t length;
        int taken = object_character(at, end, bytes, &length);
        if (taken < 0)
            return taken;
        at += taken;
        if (!ret)
            continue;
        if (length > size - written)
            return -ENOBUFS;
        memcpy(ret + written, bytes, length);
        written += length;
    }
    return (int)written;
}

static size_t object_digits(const char *text, size_t length)
{
    size_t count = 0;
    while (count < length && text[count] >= '0' && text[count] <= '9')
        count++;
    return count;
}

/* -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)? */
static bool object_is_number(const char *text, size_t length)
{
    size_t at = length > 0 && text[0] == '-';
    size_t digits = object_digits(text + at, length - at);
    if (digits == 0 || (digits > 1 && text[at] == '0'))
        return false;
    at += digits;
    if (at < length && text[at] == '.') {
        digits = object_digits(text + at + 1, length - at - 1);
        if (digits == 0)
            return false;
        at += 1 + digits;
    }
    if (at < length && (text[at] | 0x20) == 'e') {
        at++;
        if (at < length && (text[at] == '+' || text[at] == '-'))
            at++;
        digits = object_digits(text + at, length - at);
        if (digits == 0)
            return false;
        at += digits;
    }
    return at == length;
}

static bool object_primitive_sound(const char *line, const struct object_node *node)
{
    return object_is(line, node, "true") || object_is(line, node, "false") ||
           object_is(line, node, "null") ||
           object_is_number(line + node->start, (size_t)(node->end - node->start));
}

/* Index of the key that repeats one before it in the object, or 0. */
static bool object_key_repeats(const struct object_reader *reader, int object, int key)
{
    const struct object_node *new_key = &reader->nodes[key];
    size_t length = (size_t)(new_key->end - new_key->start);
    for (int at = object + 1; at < key; at = reader->nodes[at + 1].next) {
        const struct object_node *old = &reader->nodes[at];
        if ((size_t)(old->end - old->start) == length &&
            memcmp(reader->line + old->start, reader->line + new_key->start, length) == 0)
            return true;
    }
    return false;
}

/* A key is a plain string with one value behind it. */
static bool object_key_sound(const struct object_reader *reader, int object, int key)
{
    const struct object_node *node = &reader->nodes[key];
    return key + 1 < reader->count && node->kind == OBJECT_STRING && node->size == 1 &&
           !memchr(reader->line + node->start, '\\', (size_t)(node->end - node->start)) &&
           object_unescape(reader->line, node, NULL, 0) >= 0 &&
           !object_key_repeats(reader, object, key);
}

static bool object_value_sound(struct object_reader *reader, int index, int depth);

/* An object or array: its members with exactly one comma between them. */
static bool object_members_sound(struct object_reader *reader, int index, int depth)
{
    struct object_node *node = &reader->nodes[index];
    int position = node->start + 1, at = index + 1;
    for (int i = 0; i < node->size; i++) {
        if (at >= reader->count)
            return false;
        int value = at;
        if (!object_gap(reader->line, position, object_begin(&reader->nodes[at]),
                        i > 0 ? ',' : '\0'))
            return false;
        if (node->kind == OBJECT_OBJECT) {
            if (!object_key_sound(reader, index, at))
                return false;
            value = at + 1;
            reader->nodes[at].next = value;
            if (!object_gap(reader->line, object_behind(&reader->nodes[at]),
                            object_begin(&reader->nodes[value]), ':'))
                return false;
        }
        if (!object_value_sound(reader, value, depth - 1))
            return false;
        position = object_behind(&reader->nodes[value]);
        at = reader->nodes[value].next;
    }
    node->next = at;
    return object_gap(reader->line, position, node->end - 1, '\0');
}

/* Recursion is bounded by depth, CONTROL_DEPTH_MAX levels. */
static bool object_value_sound(struct object_reader *reader, int index, int depth)
{
    struct object_node *node = &reader->nodes[index];
    node->next = index + 1;
    if (node->kind == OBJECT_OBJECT || node->kind == OBJECT_ARRAY)
        return depth > 0 && object_members_sound(reader, index, depth);
    if (node->size != 0)
        return false;
    return node->kind == OBJECT_STRING ? object_unescape(reader->line, node, NULL, 0) >= 0
                                       : object_primitive_sound(reader->line, node);
}

static bool object_kind_from(jsmntype_t type, enum object_kind *ret_kind)
{
    static const struct {
        jsmntype_t type;
        enum object_kind kind;
    } kinds[] = {{JSMN_OBJECT, OBJECT_OBJECT},
                 {JSMN_ARRAY, OBJECT_ARRAY},
                 {JSMN_STRING, OBJECT_STRING},
                 {JSMN_PRIMITIVE, OBJECT_PRIMITIVE}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].type == type) {
            *ret_kind = kinds[i].kind;
            return true;
        }
    }
    return false;
}

int object_read(const char *line, size_t length, int depth, struct object_node *nodes,
                size_t capacity)
{
    jsmntok_t tokens[CONTROL_TOKENS_MAX];
    if (capacity > CONTROL_TOKENS_MAX)
        capacity = CONTROL_TOKENS_MAX;
    jsmn_parser parser;
    jsmn_init(&parser);
    int count = jsmn_parse(&parser, line, length, tokens, (unsigned)capacity);
    if (count < 1)
        return -EBADMSG;
    for (int i = 0; i < count; i++) {
        nodes[i] = (struct object_node){
            .start = tokens[i].start, .end = tokens[i].end, .size = tokens[i].size};
        if (tokens[i].end < tokens[i].start || !object_kind_from(tokens[i].type, &nodes[i].kind))
            return -EBADMSG;
    }
    struct object_reader reader = {.line = line, .nodes = nodes, .count = count};
    if (nodes[0].kind != OBJECT_OBJECT || !object_value_sound(&reader, 0, depth) ||
        nodes[0].next != count)
        return -EBADMSG;
    /* jsmn stops at a NUL byte: what is behind the object has not been looked at. */
    if (!object_gap(line, 0, nodes[0].start, '\0') ||
        !object_gap(line, nodes[0].end, (int)length, '\0'))
        return -EBADMSG;
    return count;
}

bool object_is(const char *line, const struct object_node *node, const char *text)
{
    size_t length = (size_t)(node->end - node->start);
    return strlen(text) == length && memcmp(line + node->start, text, length) == 0;
}

int object_u64(const char *line, const struct object_node *node, uint64_t maximum,
               uint64_t *ret_value)
{
    uint64_t value;
    size_t used, length = (size_t)(node->end - node->start);
    if (node->kind != OBJECT_PRIMITIVE)
        return -EINVAL;
    int r = text_scan_u64(line + node->start, length, &value, &used);
    if (r < 0)
        return r;
    if (used != length)
        return -EINVAL;
    if (value > maximum)
        return -ERANGE;
    *ret_value = value;
    return 0;
}

int object_bool(const char *line, const struct object_node *node, bool *ret_value)
{
    if (node->kind != OBJECT_PRIMITIVE)
        return -EINVAL;
    bool yes = object_is(line, node, "true");
    if (!yes && !object_is(line, node, "false"))
        return -EINVAL;
    *ret_value = yes;
    return 0;
}

int object_text(const char *line, const struct object_node *node, char *ret_text, size_t size)
{
    char raw[CONTROL_TEXT_MAX_BYTES];
    if (node->kind != OBJECT_STRING)
        return -EINVAL;
    int length = object_unescape(line, node, raw, sizeof(raw));
    if (length < 0)
        return length;
    /* Cleaning may lengthen the text (U+FFFD is three bytes); cut text would be a lie. */
    char clean[3 * sizeof(raw) + 1];
    size_t written = text_clean(clean, sizeof(clean), raw, (size_t)length);
    if (written >= size)
        return -ENOBUFS;
    memcpy(ret_text, clean, written + 1);
    return 0;
}
