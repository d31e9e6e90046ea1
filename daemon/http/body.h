/* SPDX-License-Identifier: MIT */
/*
 * JSON bodies, strictly: depth checked before the parser sees a byte, no key twice, no key that
 * the resource does not know. 400: not JSON. 422: JSON of the wrong content. The http thread.
 */
#ifndef MEMTEND_HTTP_BODY_H
#define MEMTEND_HTTP_BODY_H

#include "http/request.h"

#include <jansson.h>

/* Deepest nesting of [ and { outside of strings; pure. Also right for text that is not JSON. */
size_t body_depth(const char *text, size_t size);

/*
 * The object in the body, owned by the caller; an empty body is {} where the route allows it.
 * keys ends with NULL. NULL with the reply filled.
 */
json_t *body_object(const struct request *request, const char *const *keys, struct reply *reply);

/* false with the reply filled when the key holds another type, or is absent though needed. */
bool body_text(const json_t *object, const char *key, bool needed, struct reply *reply,
               const char **ret_text);
bool body_bool(const json_t *object, const char *key, bool otherwise, struct reply *reply,
               bool *ret_value);

#endif
