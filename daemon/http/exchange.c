/* SPDX-License-Identifier: MIT */
#include "http/core.h"

#include "base/text.h"
#include "http/send.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What one pass over the headers looks for. */
struct header_reading {
    struct gate_facts *facts;
    const char **if_none_match;
};

static enum MHD_Result exchange_take_header(void *context, enum MHD_ValueKind kind,
                                            const char *name, const char *value)
{
    const struct header_reading *reading = context;
    struct gate_facts *facts = reading->facts;
    const struct {
        const char *name, **value;
        unsigned *count;
    } wanted[] = {
        {"Host", &facts->host, &facts->host_count},
        {"Content-Length", &facts->content_length, &facts->content_length_count},
        {"Transfer-Encoding", &facts->transfer_encoding, &facts->transfer_encoding_count},
        {"Authorization", &facts->authorization, NULL},
        {"Origin", &facts->origin, NULL},
        {"Sec-Fetch-Site", &facts->sec_fetch_site, NULL},
        {"Content-Type", &facts->content_type, NULL},
        {"If-None-Match", reading->if_none_match, NULL},
    };
    (void)kind;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        if (strcasecmp(name, wanted[i].name) != 0)
            continue;
        *wanted[i].value = value ? value : "";
        if (wanted[i].count)
            (*wanted[i].count)++;
    }
    return MHD_YES;
}

static enum MHD_Result exchange_take_argument(void *context, enum MHD_ValueKind kind,
                                              const char *name, size_t name_size, const char *value,
                                              size_t value_size)
{
    struct request *request = context;
    (void)kind;
    (void)name_size;
    if (request->argument_count == HTTP_ARGUMENTS) {
        request->arguments_full = true;
        return MHD_NO;
    }
    request->arguments[request->argument_count++] = (struct argument){
        .name = name, .value = value ? value : "", .length = value ? value_size : 0};
    return MHD_YES;
}

static struct exchange *exchange_new(struct connection *connection)
{
    struct exchange *exchange = calloc(1, sizeof(*exchange));
    if (!exchange)
        return NULL;
    exchange->connection = connection;
    request_init(&exchange->request, &connection->listener->http->site);
    connection->listener->http->exchanges++;
    return exchange;
}

static enum MHD_Result exchange_send(struct exchange *exchange, struct reply *reply)
{
    exchange->stage = EXCHANGE_SENDING;
    core_set_deadline(exchange->connection, clock_mono_usec() + HTTP_SEND_USEC);
    enum MHD_Result result = send_reply(exchange->connection->mhd, reply);
    reply_finish(reply);
    return result;
}

/* The headers are there: judge them before a byte of the body is taken. */
static enum MHD_Result exchange_begin(struct exchange *exchange, const char *url,
                                      const char *method)
{
    struct connection *connection = exchange->connection;
    struct MHD_Connection *mhd = connection->mhd;
    struct request *request = &exchange->request;
    struct route_match match;
    struct gate_facts facts = {.match = &match,
                               .peer = connection->listener->tcp ? NULL : &connection->peer};
    struct header_reading reading = {.facts = &facts, .if_none_match = &request->if_none_match};
    route_find(method, url, &match);
    MHD_get_connection_values(mhd, MHD_HEADER_KIND, exchange_take_header, &reading);
    MHD_get_connection_values_n(mhd, MHD_GET_ARGUMENT_KIND, exchange_take_argument, request);
    facts.session = MHD_lookup_connection_value(mhd, MHD_COOKIE_KIND, SESSION_COOKIE);
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    facts.header_bytes = size ? size->header_size : 0;
    request->now_usec = clock_mono_usec();
    request->session = facts.session;
    request->route = match.route;
    text_copy(request->parameter, sizeof(request->parameter), match.parameter);
    struct reply reply;
    reply_init(&reply);
    if (gate_check(&request->site->gate, &facts, request->now_usec, &request->asker, &reply))
        return MHD_YES;
    return exchange_send(exchange, &reply);
}

static void exchange_take_body(struct exchange *exchange, const char *bytes, size_t size)
{
    /* Without a length nobody could refuse it before: take the rest in and keep nothing. */
    if (exchange->too_large || buffer_append(&exchange->request.body, bytes, size) == 0)
        return;
    exchange->too_large = true;
    buffer_finish(&exchange->request.body);
    buffer_init(&exchange->request.body, HTTP_BODY_BYTES);
}

/* Hands the command over and waits; false with the reply filled when it was not taken. */
static bool exchange_submit(struct exchange *exchange, struct reply *reply)
{
    struct request *request = &exchange->request;
    struct http *http = exchange->connection->listener->http;
    struct command *command = request->command;
    void *handle;
    int r = http->stopping ? -ENOBUFS
                           : pending_add(&http->pending, exchange,
                                         command->deadline_usec + HTTP_GRACE_USEC, &handle);
    if (r == 0) {
        command->reply_to = &http->replies;
        command->owner = handle;
        r = http->site.ops.submit(http->site.ops.context, command);
        if (r < 0)
            pending_take(&http->pending, handle);
    }
    if (r < 0) {
        reply_problem(reply, 503, "unavailable", "too much is asked at once; try again");
        reply->retry_after_seconds = 1;
        return false;
    }
    request->command = NULL;
    exchange->stage = EXCHANGE_WAITING;
    core_set_deadline(exchange->connection, 0);
    MHD_suspend_connection(exchange->connection->mhd);
    return true;
}

static void exchange_ask_handler(struct request *request, struct reply *reply)
{
    const struct http_ops *ops = &request->site->ops;
    request->now_usec = clock_mono_usec();
    request->snapshot = ops->snapshot_acquire(ops->context, !route_is_brief(request->route));
    request->route->handle(request, reply);
    if (request->snapshot)
        ops->snapshot_release(ops->context, request->snapshot);
    request->snapshot = NULL;
}

static enum MHD_Result exchange_dispatch(struct exchange *exchange)
{
    struct reply reply;
    reply_init(&reply);
    if (exchange->too_large)
        reply_problem(&reply, 413, "too_large", "the body may have %zu bytes", HTTP_BODY_BYTES);
    else
        exchange_ask_handler(&exchange->request, &reply);
    if (reply.status == 0 && exchange_submit(exchange, &reply)) {
        reply_finish(&reply);
        return MHD_YES;
    }
    return exchange_send(exchange, &reply);
}

static void exchange_render(struct request *request, struct reply *reply)
{
    const struct command *command = request->command;
    bool good = command->result == COMMAND_OK || command->result == COMMAND_CREATED ||
                command->result == COMMAND_RUNNING;
    if (good)
        request->route->answer(request, command, reply);
    else
        reply_refusal(reply, command);
}

static enum MHD_Result exchange_finish(struct exchange *exchange)
{
    struct reply reply;
    reply_init(&reply);
    if (exchange->stage == EXCHANGE_ANSWERED)
        exchange_render(&exchange->request, &reply);
    else if (exchange->stage == EXCHANGE_LATE)
        reply_problem(&reply, 503, "timeout", "the answer did not come in time");
    else
        reply_problem(&reply, 503, "stopping", "the daemon is stopping");
    return exchange_send(exchange, &reply);
}

enum MHD_Result exchange_on_request(void *listener, struct MHD_Connection *mhd, const char *url,
                                    const char *method, const char *version, const char *upload,
                                    size_t *upload_size, void **state)
{
    struct exchange *exchange = *state;
    (void)listener;
    (void)version;
    if (!exchange) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        exchange = info && info->socket_context ? exchange_new(info->socket_context) : NULL;
        *state = exchange;
        return exchange ? exchange_begin(exchange, url, method) : MHD_NO;
    }
    if (*upload_size > 0) {
        exchange_take_body(exchange, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    switch (exchange->stage) {
    case EXCHANGE_RECEIVING:
        return exchange_dispatch(exchange);
    case EXCHANGE_ANSWERED:
    case EXCHANGE_LATE:
    case EXCHANGE_STOPPED:
        return exchange_finish(exchange);
    case EXCHANGE_WAITING:
    case EXCHANGE_SENDING:
        break;
    }
    return MHD_YES;
}

void exchange_on_completed(void *listener, struct MHD_Connection *mhd, void **state,
                           enum MHD_RequestTerminationCode code)
{
    struct exchange *exchange = *state;
    (void)listener;
    (void)mhd;
    (void)code;
    if (!exchange)
        return;
    struct http *http = exchange->connection->listener->http;
    if (exchange->stage == EXCHANGE_WAITING)
        pending_forget(&http->pending, exchange);
    core_set_deadline(exchange->connection, clock_mono_usec() + http->receive_usec);
    http->exchanges--;
    request_finish(&exchange->request);
    free(exchange);
    *state = NULL;
}

void exchange_resume(struct exchange *exchange, enum exchange_stage stage)
{
    exchange->stage = stage;
    core_set_deadline(exchange->connection, clock_mono_usec() + HTTP_SEND_USEC);
    exchange->connection->listener->due = true;
    MHD_resume_connection(exchange->connection->mhd);
}
