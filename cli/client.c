/* SPDX-License-Identifier: MIT */
#include "client.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "say.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLIENT_CONNECT_SECONDS 3L /* a Unix socket connects at once or its queue is full */

/* One exchange under way. */
struct exchange {
    struct buffer body;
    bool terminal; /* stderr is one */
    uint64_t start_usec;
    uint64_t shown_seconds; /* in the line on stderr; 0 = no line yet */
};

static void say_no_daemon(const struct places *places)
{
    const struct place *place = place_choose(places);
    switch (place->state) {
    case -ENAMETOOLONG:
        say("the path %s/http.sock is longer than a socket may have (%zu bytes)", place->directory,
            PLACE_SOCKET_SIZE - 1);
        say_try("a shorter directory: memtend --runtime-dir DIR ...");
        return;
    case -EACCES:
    case -EPERM:
        say("%s/http.sock: you may not use it", place->directory);
        say_try("sudo memtend ..., or join the group memtend");
        return;
    default:
        break;
    }
    if (places->named)
        say("no daemon answers at %s/http.sock (%s)", place->directory, strerror(-place->state));
    else
        for (size_t i = 0; i < places->count; i++)
            say("no daemon answers at %s/http.sock (%s)", places->items[i].directory,
                strerror(-places->items[i].state));
    say_try("systemctl start memtendd, or by hand: memtendd");
}

static enum exit_code client_place(const struct invocation *invocation, bool quiet,
                                   struct client *client)
{
    struct places places;
    if (place_list(invocation, &places) < 0 || places.count == 0) {
        if (!quiet)
            say("the name of the runtime directory is too long");
        return EXIT_CODE_USAGE;
    }
    const struct place *place = place_choose(&places);
    if (place->state != 0) {
        if (!quiet)
            say_no_daemon(&places);
        bool denied = place->state == -EACCES || place->state == -EPERM;
        if (place->state == -ENAMETOOLONG)
            return EXIT_CODE_USAGE;
        return denied ? EXIT_CODE_PERMISSION : EXIT_CODE_NO_DAEMON;
    }
    client->place = *place;
    place_path(place, "http.sock", client->socket, sizeof(client->socket));
    return EXIT_CODE_OK;
}

static enum exit_code client_open_any(const struct invocation *invocation, bool quiet,
                                      struct client *ret_client)
{
    struct client client = {0};
    enum exit_code code = client_place(invocation, quiet, &client);
    if (code != EXIT_CODE_OK)
        return code;
    client.curl = say_no_memory(curl_easy_init());
    *ret_client = client;
    return EXIT_CODE_OK;
}

enum exit_code client_open(const struct invocation *invocation, struct client *ret_client)
{
    return client_open_any(invocation, false, ret_client);
}

enum exit_code client_open_quietly(const struct invocation *invocation, struct client *ret_client)
{
    return client_open_any(invocation, true, ret_client);
}

void client_finish(struct client *client)
{
    if (client->curl)
        curl_easy_cleanup(client->curl);
    client->curl = NULL;
}

static size_t exchange_on_body(char *data, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    return buffer_append(&exchange->body, data, size * count) < 0 ? 0 : size * count;
}

static int exchange_on_progress(void *context, curl_off_t down_total, curl_off_t down,
                                curl_off_t up_total, curl_off_t up)
{
    struct exchange *exchange = context;
    (void)down_total, (void)down, (void)up_total, (void)up;
    uint64_t seconds = (clock_mono_usec() - exchange->start_usec) / USEC_PER_SEC;
    if (exchange->terminal && seconds > exchange->shown_seconds) {
        fprintf(stderr, "\r  waiting for the daemon, %" PRIu64 " s ", seconds);
        exchange->shown_seconds = seconds;
    }
    return 0;
}

static enum exit_code exchange_fail(const struct client *client, const struct request *request,
                                    CURLcode code)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        say("the daemon did not answer within %llu s",
            (unsigned long long)request->timeout_seconds);
        say_try("memtend doctor");
        return EXIT_CODE_TIMEOUT;
    case CURLE_COULDNT_CONNECT:
        say("%s: no daemon answers", client->socket);
        say_try("systemctl start memtendd, or by hand: memtendd");
        return EXIT_CODE_NO_DAEMON;
    case CURLE_WRITE_ERROR:
        say("the daemon's answer is larger than %u MiB", CLIENT_ANSWER_LIMIT >> 20);
        say_try("a smaller --limit or --points");
        return EXIT_CODE_FAILED;
    default:
        say("talking to the daemon at %s failed: %s", client->socket, curl_easy_strerror(code));
        say_try("memtend doctor");
        return EXIT_CODE_FAILED;
    }
}

static struct curl_slist *exchange_headers(const struct request *request)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
    headers = say_no_memory(headers);
    /* An empty one takes libcurl's own away: a POST without body is no form. */
    const char *type = request->body ? "Content-Type: application/json" : "Content-Type:";
    headers = say_no_memory(curl_slist_append(headers, type));
    /* Without it libcurl may wait for a "100 Continue" that adds nothing on a local socket. */
    return say_no_memory(curl_slist_append(headers, "Expect:"));
}

static void exchange_configure(const struct client *client, const struct request *request,
                               struct exchange *exchange, const char *url)
{
    CURL *curl = client->curl;
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* http_proxy must not send this elsewhere */
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "memtend/" MEMTEND_VERSION);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CLIENT_CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)request->timeout_seconds);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, exchange_on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, exchange_on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, exchange);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

static CURLcode exchange_perform(const struct client *client, const struct request *request,
                                 struct exchange *exchange, const char *url)
{
    char *body = request->body ? say_no_memory(json_dumps(request->body, JSON_COMPACT)) : NULL;
    struct curl_slist *headers = exchange_headers(request);
    exchange_configure(client, request, exchange, url);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    if (body)
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body);
    else if (strcmp(request->method, "POST") == 0)
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, "");
    exchange->start_usec = clock_mono_usec();
    CURLcode code = curl_easy_perform(client->curl);
    if (exchange->shown_seconds > 0)
        fputs("\r\033[K", stderr);
    curl_slist_free_all(headers);
    free(body);
    return code;
}

static void exchange_take(const struct client *client, const struct exchange *exchange,
                          struct answer *answer)
{
    struct curl_header *location;
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &answer->status);
    if (curl_easy_header(client->curl, "Location", 0, CURLH_HEADER, -1, &location) == CURLHE_OK)
        text_clean(answer->location, sizeof(answer->location), location->value,
                   strlen(location->value));
    json_t *body = json_loadb(exchange->body.data ? exchange->body.data : "", exchange->body.size,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    if (json_is_object(body))
        answer->body = STEAL(body);
    json_decref(body);
}

enum exit_code client_send(struct client *client, struct request *request,
                           struct answer *ret_answer)
{
    struct exchange exchange = {.terminal = isatty(STDERR_FILENO) == 1};
    const char *path = request_path_text(request);
    if (!path) {
        say("the arguments do not make a request: too long, or not valid UTF-8");
        return EXIT_CODE_USAGE;
    }
    /* The host part is never resolved: the socket path decides. */
    char *url = say_no_memory(malloc(strlen(path) + sizeof("http://localhost")));
    memcpy(url, "http://localhost", sizeof("http://localhost") - 1);
    memcpy(url + sizeof("http://localhost") - 1, path, strlen(path) + 1);
    buffer_init(&exchange.body, CLIENT_ANSWER_LIMIT);
    CURLcode result = exchange_perform(client, request, &exchange, url);
    enum exit_code code = EXIT_CODE_OK;
    if (result == CURLE_OK)
        exchange_take(client, &exchange, ret_answer);
    else
        code = exchange_fail(client, request, result);
    buffer_finish(&exchange.body);
    free(url);
    return code;
}

enum exit_code client_ask(struct client *client, struct request *request, struct answer *ret_answer)
{
    enum exit_code code = client_send(client, request, ret_answer);
    return code == EXIT_CODE_OK ? answer_judge(ret_answer) : code;
}

enum exit_code client_get(struct client *client, const char *path, struct answer *ret_answer)
{
    struct request request;
    request_init(&request, "GET", path);
    enum exit_code code = client_ask(client, &request, ret_answer);
    request_finish(&request);
    return code;
}
