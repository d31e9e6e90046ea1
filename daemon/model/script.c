/* SPDX-License-Identifier: MIT */
#include "model/script.h"

#include <string.h>

/* Interpreters and what their options of one letter take: a value, code, a module to run. */
struct interpreter {
    const char *program;
    const char *value, *code, *module;
};

static const struct interpreter interpreters[] = {
    {"python", "WXQ", "c", "m"}, {"pypy", "WX", "c", "m"}, {"ruby", "rICEKxT", "e", ""},
    {"perl", "IMmx", "eE", ""},  {"node", "rC", "ep", ""}, {"nodejs", "rC", "ep", ""},
    {"bash", "Oo", "c", ""},     {"dash", "o", "c", ""},   {"sh", "o", "c", ""},
    {"php", "cdz", "rBRE", ""},
};

/* What an argument means for the search. */
enum script_search { SCRIPT_HERE, SCRIPT_NEXT, SCRIPT_SKIP_NEXT, SCRIPT_GO_ON, SCRIPT_NONE };

static size_t argument_length(const char *bytes, size_t left)
{
    const char *end = memchr(bytes, '\0', left);
    return end ? (size_t)(end - bytes) : left;
}

static bool is_version(char c)
{
    return (c >= '0' && c <= '9') || c == '.';
}

/* "python", "/usr/bin/python3.11", "-bash" (a login shell), but not "pythonic". */
static const struct interpreter *interpreter_find(const char *program, size_t length)
{
    const char *slash = memrchr(program, '/', length);
    if (slash) {
        length -= (size_t)(slash + 1 - program);
        program = slash + 1;
    }
    if (length > 0 && program[0] == '-') {
        program++;
        length--;
    }
    while (length > 0 && is_version(program[length - 1]))
        length--;
    for (size_t i = 0; i < sizeof(interpreters) / sizeof(interpreters[0]); i++)
        if (strlen(interpreters[i].program) == length &&
            memcmp(interpreters[i].program, program, length) == 0)
            return &interpreters[i];
    return NULL;
}

static enum script_search script_look(const char *argument, size_t length,
                                      const struct interpreter *interpreter)
{
    if (length == 0)
        return SCRIPT_GO_ON;
    if (argument[0] != '-')
        return SCRIPT_HERE;
    if (length == 1 || argument[1] == '-')
        return length == 2 ? SCRIPT_NEXT : SCRIPT_GO_ON;
    for (size_t at = 1; at < length; at++) {
        bool attached = at + 1 < length;
        if (strchr(interpreter->code, argument[at]))
            return SCRIPT_NONE;
        if (strchr(interpreter->module, argument[at]))
            return attached ? SCRIPT_HERE : SCRIPT_NEXT;
        if (strchr(interpreter->value, argument[at]))
            return attached ? SCRIPT_GO_ON : SCRIPT_SKIP_NEXT;
    }
    return SCRIPT_GO_ON;
}

bool script_find(const char *bytes, size_t length, size_t *ret_from, size_t *ret_to)
{
    size_t argument = argument_length(bytes, length);
    const struct interpreter *interpreter = interpreter_find(bytes, argument);
    if (!interpreter)
        return false;
    enum script_search state = SCRIPT_GO_ON;
    for (size_t at = argument + 1; at < length; at += argument + 1) {
        argument = argument_length(bytes + at, length - at);
        if (state == SCRIPT_SKIP_NEXT)
            state = SCRIPT_GO_ON;
        else if (state == SCRIPT_NEXT)
            state = SCRIPT_HERE;
        else
            state = script_look(bytes + at, argument, interpreter);
        if (state == SCRIPT_NONE)
            return false;
        if (state == SCRIPT_HERE) {
            *ret_from = at;
            *ret_to = at + argument;
            return true;
        }
    }
    return false;
}
