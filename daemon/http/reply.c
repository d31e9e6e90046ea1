/* SPDX-License-Identifier: MIT */
#include "http/reply.h"

#include "base/text.h"
#include "http/limits.h"
#include "http/sheet.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Longer is cut: the names of all metrics are 400 bytes. */
#define REPLY_DETAIL_SIZE 768

static const struct {
    unsigned status;
    const char *title;
} reply_titles[] = {
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

/* "Not Found" for 404; "Error" for what we do not use. */
static const char *reply_title(unsigned status)
{
    for (size_t i = 0; i < sizeof(reply_titles) / sizeof(reply_titles[0]); i++)
        if (reply_titles[i].status == status)
            return reply_titles[i].title;
    return "Error";
}

void reply_init(struct reply *reply)
{
    *reply = (struct reply){0};
    buffer_init(&reply->body, HTTP_ANSWER_BYTES);
}

void reply_finish(struct reply *reply)
{
    buffer_finish(&reply->body);
}

static void reply_clear_body(struct reply *reply)
{
    buffer_finish(&reply->body);
    buffer_init(&reply->body, HTTP_ANSWER_BYTES);
    reply->asset = NULL;
    reply->etag[0] = '\0';
}

/* Must not allocate: what it says is constant. */
void reply_no_memory(struct reply *reply)
{
    static char text[] = "{\"type\":\"urn:memtend:problem:no_memory\","
                         "\"title\":\"Service Unavailable\",\"status\":503,"
                         "\"detail\":\"the daemon has no memory for this answer\"}";
    reply_clear_body(reply);
    reply->status = 503;
    reply->content_type = "application/problem+json";
    buffer_init_over(&reply->body, text, sizeof(text) - 1);
    reply->body.size = sizeof(text) - 1;
}

static json_t *reply_problem_errors(const struct error *errors, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++) {
        struct sheet sheet;
        sheet_init(&sheet);
        if (errors[i].line > 0)
            sheet_integer(&sheet, "line", errors[i].line);
        if (errors[i].column > 0)
            sheet_integer(&sheet, "column", errors[i].column);
        sheet_text(&sheet, "message", errors[i].text);
        json_array_append_new(list, sheet_take(&sheet));
    }
    return list;
}

static void reply_problem_write(struct reply *reply, unsigned status, const char *slug,
                                const char *detail, json_t *errors)
{
    char type[96];
    snprintf(type, sizeof(type), "urn:memtend:problem:%s", slug);
    struct sheet sheet;
    sheet_init(&sheet);
    sheet_text(&sheet, "type", type);
    sheet_text(&sheet, "title", reply_title(status));
    sheet_integer(&sheet, "status", status);
    sheet_text(&sheet, "detail", detail);
    if (errors)
        sheet_value(&sheet, "errors", errors);
    reply_json(reply, status, sheet_take(&sheet));
    reply->content_type = "application/problem+json";
}

void reply_problem_at(struct reply *reply, unsigned status, const char *slug,
                      const struct error *errors, size_t count)
{
    reply_problem_write(reply, status, slug, errors[0].text,
                        errors[0].line > 0 ? reply_problem_errors(errors, count) : NULL);
}

void reply_problem(struct reply *reply, unsigned status, const char *slug, const char *format, ...)
{
    char raw[REPLY_DETAIL_SIZE], detail[REPLY_DETAIL_SIZE];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(raw, sizeof(raw), format, list);
    va_end(list);
    size_t used = length < 0 ? 0 : (size_t)length;
    text_clean(detail, sizeof(detail), raw, used < sizeof(raw) ? used : sizeof(raw) - 1);
    reply_problem_write(reply, status, slug, detail, NULL);
}
