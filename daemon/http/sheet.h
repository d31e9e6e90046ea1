/* SPDX-License-Identifier: MIT */
/*
 * A JSON object in the making. One failed allocation marks the whole sheet, so that callers ask
 * once, at the end, and a client never gets an object that silently lacks keys. One thread.
 */
#ifndef MEMTEND_HTTP_SHEET_H
#define MEMTEND_HTTP_SHEET_H

#include "http/reply.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct sheet {
    json_t *object; /* owned */
    bool failed;
};

void sheet_init(struct sheet *sheet);
/* The object, owned by the caller; NULL when anything failed. The sheet is empty afterwards. */
json_t *sheet_take(struct sheet *sheet);

/* "" becomes null: a text that is not known. Text is cleaned when it is not valid UTF-8. */
void sheet_text(struct sheet *sheet, const char *key, const char *text);
void sheet_integer(struct sheet *sheet, const char *key, int64_t value);
void sheet_real(struct sheet *sheet, const char *key, double value);
void sheet_bool(struct sheet *sheet, const char *key, bool value);
/* RFC 3339; 0 becomes null. */
void sheet_time(struct sheet *sheet, const char *key, uint64_t wall_usec);
void sheet_seconds(struct sheet *sheet, const char *key, uint64_t usec);
/* Takes the value over; NULL marks the sheet. */
void sheet_value(struct sheet *sheet, const char *key, json_t *value);

/* NULL when there is no memory; never because of its bytes. */
json_t *sheet_string(const char *text);
/* Append as compact JSON. 0 or -ENOMEM/-ENOBUFS. */
int sheet_dump(struct buffer *buffer, const json_t *value);
/* Answer with the object; takes it over (NULL: 503). */
void reply_json(struct reply *reply, unsigned status, json_t *value);

/*
 * {"items":[…],"next_cursor":…} written item by item: a thousand objects at once would be some
 * megabytes of heap.
 */
struct list {
    struct reply *reply;
    size_t count;
    bool failed;
};
void list_begin(struct list *list, struct reply *reply);
void list_item(struct list *list, json_t *item); /* takes it over */
void list_end(struct list *list, const char *next_cursor);

#endif
