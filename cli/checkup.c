/* SPDX-License-Identifier: MIT */
#include "checkup.h"

#include "base/text.h"
#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CHECKUP_TEXT_SIZE 512

void checkup_init(struct checkup *checkup)
{
    *checkup = (struct checkup){.checks = say_no_memory(json_array())};
}

void checkup_finish(struct checkup *checkup)
{
    json_decref(checkup->checks);
}

static const char *finding_name(enum finding finding)
{
    static const char *const names[] = {
        [FINDING_OK] = "ok", [FINDING_WARNING] = "warning", [FINDING_FAILURE] = "failure"};
    return names[finding];
}

static json_t *clean_json(const char *raw)
{
    char clean[CHECKUP_TEXT_SIZE];
    text_clean(clean, sizeof(clean), raw, strlen(raw));
    return say_no_memory(json_string(clean));
}

void checkup_add(struct checkup *checkup, const char *section, const char *name,
                 enum finding finding, const char *format, ...)
{
    char raw[CHECKUP_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(raw, sizeof(raw), format, arguments);
    va_end(arguments);
    json_t *check = json_pack("{s:s, s:s, s:s, s:o}", "section", section, "name", name, "state",
                              finding_name(finding), "text", clean_json(raw));
    json_array_append_new(checkup->checks, say_no_memory(check));
    checkup->counts[finding]++;
}

void checkup_fix(struct checkup *checkup, const char *format, ...)
{
    size_t count = json_array_size(checkup->checks);
    char raw[CHECKUP_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(raw, sizeof(raw), format, arguments);
    va_end(arguments);
    json_object_set_new(json_array_get(checkup->checks, count - 1), "fix", clean_json(raw));
}
