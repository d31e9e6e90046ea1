/* SPDX-License-Identifier: MIT */
#include "http/body.h"

#include "base/text.h"
#include "http/sheet.h"

#include <string.h>

size_t body_depth(const char *text, size_t size)
{
    size_t depth = 0, deepest = 0;
    bool in_string = false;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '[' || c == '{') && ++depth > deepest)
            deepest = depth;
        else if (!in_string && (c == ']' || c == '}') && depth > 0)
            depth--;
    }
    return deepest;
}

static void body_refuse_syntax(const json_error_t *problem, struct reply *reply)
{
    struct error error = {.line = problem->line, .column = problem->column};
    text_clean(error.text, sizeof(error.text), problem->text, strlen(problem->text));
    reply_problem_at(reply, 400, "not_json", &error, 1);
}

static json_t *body_parse(const struct request *request, struct reply *reply)
{
    const struct buffer *body = &request->body;
    if (body->size == 0 && request->route->body == BODY_OPTIONAL) {
        json_t *empty = json_object();
        if (!empty)
            reply_no_memory(reply);
        return empty;
    }
    if (body_depth(body->data, body->size) > HTTP_JSON_DEPTH) {
        reply_problem(reply, 400, "not_json", "nested deeper than %d", HTTP_JSON_DEPTH);
        return NULL;
    }
    json_error_t problem;
    json_t *value = json_loadb(body->size ? body->data : "", body->size,
                               JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (!value)
        body_refuse_syntax(&problem, reply);
    return value;
}

static bool body_key_is_known(const char *key, const char *const *keys)
{
    for (; *keys; keys++)
        if (strcmp(key, *keys) == 0)
            return true;
    return false;
}

json_t *body_object(const struct request *request, const char *const *keys, struct reply *reply)
{
    json_t *object = body_parse(request, reply);
    if (!object)
        return NULL;
    if (!json_is_object(object)) {
        json_decref(object);
        reply_problem(reply, 422, "bad_body", "the body must be an object");
        return NULL;
    }
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (body_key_is_known(key, keys))
            continue;
        reply_problem(reply, 422, "bad_body", "%.64s is not known here", key);
        json_decref(object);
        return NULL;
    }
    return object;
}

bool body_text(const json_t *object, const char *key, bool needed, struct reply *reply,
               const char **ret_text)
{
    const json_t *value = json_object_get(object, key);
    if (!value && !needed)
        return true;
    if (!json_is_string(value)) {
        reply_problem(reply, 422, "bad_body", "%s must be a text", key);
        return false;
    }
    *ret_text = json_string_value(value);
    return true;
}

bool body_bool(const json_t *object, const char *key, bool otherwise, struct reply *reply,
               bool *ret_value)
{
    const json_t *value = json_object_get(object, key);
    if (value && !json_is_boolean(value)) {
        reply_problem(reply, 422, "bad_body", "%s must be true or false", key);
        return false;
    }
    *ret_value = value ? json_is_true(value) : otherwise;
    return true;
}
