/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include "base/text.h"
#include "say.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_PROBLEM "urn:memtend:problem:"

struct answer_status {
    long status;
    enum exit_code code;
    const char *try; /* NULL = the problem says enough */
};

static const struct answer_status answer_statuses[] = {
    {400, EXIT_CODE_USAGE, NULL},
    {401, EXIT_CODE_PERMISSION, "sudo memtend ..., or join the group memtend-admin"},
    {403, EXIT_CODE_PERMISSION, "sudo memtend ..., or join the group memtend-admin"},
    {404, EXIT_CODE_GONE, NULL},
    {408, EXIT_CODE_TIMEOUT, "memtend doctor"},
    {409, EXIT_CODE_FAILED, NULL},
    {413, EXIT_CODE_USAGE, NULL},
    {422, EXIT_CODE_USAGE, NULL},
    {429, EXIT_CODE_FAILED, "the same again in a minute"},
    {503, EXIT_CODE_FAILED, "memtend doctor"},
    {504, EXIT_CODE_TIMEOUT, "memtend doctor"},
};

void answer_finish(struct answer *answer)
{
    json_decref(answer->body);
    *answer = (struct answer){0};
}

static json_t *clean_string(json_t *value, bool keep_lines)
{
    const char *text = json_string_value(value);
    size_t length = json_string_length(value), size = length * 3 + 1; /* a byte -> U+FFFD */
    char *clean = say_no_memory(malloc(size));
    size_t used = 0;
    for (size_t at = 0; at <= length;) {
        const char *end = keep_lines ? memchr(text + at, '\n', length - at) : NULL;
        size_t line = end ? (size_t)(end - text) - at : length - at;
        used += text_clean(clean + used, size - used, text + at, line);
        if (end)
            clean[used++] = '\n';
        at += line + 1;
    }
    clean[used] = '\0';
    json_t *result = json_string(clean);
    free(clean);
    return say_no_memory(result);
}

/* Tabs become blanks first: they are layout here, not an attack. */
static void blank_tabs(json_t *object, const char *key)
{
    char *copy = say_no_memory(strdup(json_string_value(json_object_get(object, key))));
    for (char *tab = strchr(copy, '\t'); tab; tab = strchr(tab, '\t'))
        *tab = ' ';
    json_object_set_new(object, key, say_no_memory(json_string(copy)));
    free(copy);
}

static bool is_clean(json_t *value)
{
    const char *text = json_string_value(value);
    return strlen(text) == json_string_length(value) && text_is_clean(text);
}

/* The one gate from the daemon's bytes to text for people: what is not clean is replaced. */
const char *member_text(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    if (!json_is_string(value))
        return "";
    if (!is_clean(value))
        json_object_set_new(object, key, clean_string(value, false));
    return json_string_value(json_object_get(object, key));
}

const char *member_lines(json_t *object, const char *key)
{
    if (!json_is_string(json_object_get(object, key)))
        return "";
    blank_tabs(object, key);
    json_object_set_new(object, key, clean_string(json_object_get(object, key), true));
    return json_string_value(json_object_get(object, key));
}

const char *item_text(json_t *array, size_t index)
{
    json_t *value = json_array_get(array, index);
    if (!json_is_string(value))
        return "";
    if (!is_clean(value))
        json_array_set_new(array, index, clean_string(value, false));
    return json_string_value(json_array_get(array, index));
}

const char *member_id(json_t *object, const char *key)
{
    int64_t number;
    char text[24];
    if (member_integer(object, key, &number)) {
        snprintf(text, sizeof(text), "%" PRId64, number);
        json_object_set_new(object, key, say_no_memory(json_string(text)));
    }
    return member_text(object, key);
}

bool member_number(json_t *object, const char *key, double *ret_value)
{
    json_t *value = json_object_get(object, key);
    if (!json_is_number(value) || !isfinite(json_number_value(value)))
        return false;
    *ret_value = json_number_value(value);
    return true;
}

bool member_integer(json_t *object, const char *key, int64_t *ret_value)
{
    double number;
    json_t *value = json_object_get(object, key);
    if (json_is_integer(value)) {
        *ret_value = json_integer_value(value);
        return true;
    }
    /* 2^62: well inside int64_t, so that no sum of two overflows either. */
    if (!member_number(object, key, &number) || fabs(number) > 0x1p62)
        return false;
    *ret_value = (int64_t)number;
    return true;
}

bool member_flag(json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

json_t *member_object(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return json_is_object(value) ? value : NULL;
}

json_t *member_array(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return json_is_array(value) ? value : NULL;
}

bool answer_is_problem(const struct answer *answer, const char *name)
{
    const char *type = member_text(answer->body, "type");
    return text_starts_with(type, ANSWER_PROBLEM) &&
           strcmp(type + strlen(ANSWER_PROBLEM), name) == 0;
}

static void answer_tell(const struct answer *answer)
{
    const char *detail = member_text(answer->body, "detail");
    const char *title = member_text(answer->body, "title");
    json_t *errors = member_array(answer->body, "errors");
    if (*detail || *title)
        say("%s", *detail ? detail : title);
    else
        say("the daemon answered HTTP %ld without saying why", answer->status);
    for (size_t i = 0; i < json_array_size(errors); i++) {
        json_t *error = json_array_get(errors, i);
        const char *text = member_text(error, "message");
        if (*text)
            say_plain("  %s", text);
    }
}

enum exit_code answer_judge(const struct answer *answer)
{
    if (answer->status >= 200 && answer->status < 300 && (answer->body || answer->status == 204))
        return EXIT_CODE_OK;
    if (answer->status >= 200 && answer->status < 300) {
        say("the daemon's answer is not a JSON object; is this socket memtend's?");
        say_try("memtend doctor");
        return EXIT_CODE_FAILED;
    }
    answer_tell(answer);
    for (size_t i = 0; i < sizeof(answer_statuses) / sizeof(answer_statuses[0]); i++) {
        if (answer_statuses[i].status != answer->status)
            continue;
        /* Root has every right there is: then the problem itself says why not. */
        bool rights = answer_statuses[i].code == EXIT_CODE_PERMISSION;
        if (answer_statuses[i].try && !(rights && geteuid() == 0))
            say_try("%s", answer_statuses[i].try);
        return answer_statuses[i].code;
    }
    say_try("memtend doctor");
    return EXIT_CODE_FAILED;
}
