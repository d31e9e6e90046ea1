/* SPDX-License-Identifier: MIT */
#include "http/sheet.h"

#include "base/clock.h"
#include "base/text.h"
#include "http/limits.h"

#include <errno.h>
#include <string.h>

/* Microseconds of this century need 16 digits; 15 hide the noise of binary fractions. */
#define JSON_DIGITS 15

void sheet_init(struct sheet *sheet)
{
    *sheet = (struct sheet){.object = json_object()};
    sheet->failed = !sheet->object;
}

json_t *sheet_take(struct sheet *sheet)
{
    json_t *object = sheet->object;
    if (sheet->failed) {
        json_decref(object);
        object = NULL;
    }
    *sheet = (struct sheet){0};
    return object;
}

void sheet_value(struct sheet *sheet, const char *key, json_t *value)
{
    if (json_object_set_new_nocheck(sheet->object, key, value) < 0)
        sheet->failed = true;
}

json_t *sheet_string(const char *text)
{
    size_t length = strlen(text);
    if (text_is_clean(text))
        return json_stringn_nocheck(text, length);
    /* Rule texts have line breaks: valid UTF-8 is kept, JSON escapes what is left. */
    json_t *value = json_stringn(text, length);
    if (value)
        return value;
    struct buffer clean;
    buffer_init(&clean, HTTP_ANSWER_BYTES);
    if (buffer_reserve(&clean, length * 3 + 1) == 0) {
        size_t used = text_clean(clean.data, clean.capacity, text, length);
        value = json_stringn_nocheck(clean.data, used);
    }
    buffer_finish(&clean);
    return value;
}

void sheet_text(struct sheet *sheet, const char *key, const char *text)
{
    sheet_value(sheet, key, *text ? sheet_string(text) : json_null());
}

void sheet_integer(struct sheet *sheet, const char *key, int64_t value)
{
    sheet_value(sheet, key, json_integer(value));
}

void sheet_real(struct sheet *sheet, const char *key, double value)
{
    sheet_value(sheet, key, json_real(value));
}

void sheet_bool(struct sheet *sheet, const char *key, bool value)
{
    sheet_value(sheet, key, json_boolean(value));
}

void sheet_time(struct sheet *sheet, const char *key, uint64_t wall_usec)
{
    char text[CLOCK_RFC3339_SIZE] = "";
    if (wall_usec > 0)
        clock_format_rfc3339(wall_usec, text);
    sheet_text(sheet, key, text);
}

void sheet_seconds(struct sheet *sheet, const char *key, uint64_t usec)
{
    sheet_real(sheet, key, (double)usec / (double)USEC_PER_SEC);
}

static int sheet_dump_bytes(const char *bytes, size_t size, void *data)
{
    return buffer_append(data, bytes, size) < 0 ? -1 : 0;
}

int sheet_dump(struct buffer *buffer, const json_t *value)
{
    size_t before = buffer->size;
    if (value &&
        json_dump_callback(value, sheet_dump_bytes, buffer,
                           JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(JSON_DIGITS)) == 0)
        return 0;
    buffer->size = before;
    return -ENOMEM;
}

void reply_json(struct reply *reply, unsigned status, json_t *value)
{
    reply->status = status;
    reply->content_type = "application/json";
    buffer_finish(&reply->body);
    buffer_init(&reply->body, HTTP_ANSWER_BYTES);
    if (sheet_dump(&reply->body, value) < 0)
        reply_no_memory(reply);
    json_decref(value);
}

void list_begin(struct list *list, struct reply *reply)
{
    *list = (struct list){.reply = reply};
    reply->status = 200;
    reply->content_type = "application/json";
    list->failed = buffer_append_text(&reply->body, "{\"items\":[") < 0;
}

void list_item(struct list *list, json_t *item)
{
    struct buffer *body = &list->reply->body;
    if (!list->failed && list->count++ > 0)
        list->failed = buffer_append_text(body, ",") < 0;
    if (!list->failed)
        list->failed = sheet_dump(body, item) < 0;
    json_decref(item);
}

void list_end(struct list *list, const char *next_cursor)
{
    struct buffer *body = &list->reply->body;
    json_t *cursor = *next_cursor ? sheet_string(next_cursor) : json_null();
    if (list->failed || buffer_append_text(body, "],\"next_cursor\":") < 0 ||
        sheet_dump(body, cursor) < 0 || buffer_append_text(body, "}") < 0)
        reply_no_memory(list->reply);
    json_decref(cursor);
}
