/* SPDX-License-Identifier: MIT */
/* The checks before a handler, one line a case; the first check that says no must win. */
#include "http/gate.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOKEN   "secret-token"
#define PORT    6368
#define HOST    "127.0.0.1:6368"
#define OURS    "http://127.0.0.1:6368"
#define EVIL    "http://evil.example"
#define JSON    "application/json"
#define GOOD    "Bearer " TOKEN
#define BAD     "Bearer secret-tokem"
#define SESSION "S" /* stands for the id of a live session */

#define STATUS "/api/v1/status"
#define PAUSE  "/api/v1/pause"   /* body optional */
#define EVENTS "/api/v1/events"  /* POST: body needed */
#define LOGIN  "/api/v1/session" /* POST: token only */

struct gate_case {
    const char *method, *path, *host, *authorization, *session, *origin, *site, *type, *length;
    const char *encoding;
    unsigned status; /* 0 = passes */
    const char *slug;
};

static const struct gate_case tcp_cases[] = {
    /* Nothing needed */
    {"GET", "/", HOST, .status = 0},
    {"HEAD", "/", HOST, .status = 0},
    {"GET", "/livez", HOST, .origin = EVIL, .site = "cross-site", .status = 0},
    {"GET", "/readyz", HOST, .authorization = BAD, .status = 0},
    {"GET", "/openapi.json", HOST, .status = 0},
    {"GET", "/assets/app.js", HOST, .site = "cross-site", .status = 0},
    /* Host */
    {"GET", "/livez", "localhost:6368", .status = 0},
    {"GET", "/livez", "LOCALHOST:6368", .status = 0},
    {"GET", "/livez", "[::1]:6368", .status = 0},
    {"GET", "/livez", "192.0.2.7:6368", .status = 0}, /* the configured address */
    {"GET", "/livez", NULL, .status = 421, .slug = "wrong_host"},
    {"GET", "/livez", "", .status = 421, .slug = "wrong_host"},
    {"GET", "/livez", "evil.example", .status = 421, .slug = "wrong_host"},
    {"GET", "/livez", "evil.example:6368", .status = 421, .slug = "wrong_host"},
    {"GET", "/livez", "127.0.0.1", .status = 421, .slug = "wrong_host"},
    {"GET", "/livez", "127.0.0.1:6369", .status = 421, .slug = "wrong_host"},
    {"GET", "/livez", "127.0.0.1:6368.evil.example", .status = 421, .slug = "wrong_host"},
    {"GET", "/livez", "localhost.:6368", .status = 421, .slug = "wrong_host"},
    /* Host before path before method before credential */
    {"GET", "/nothing", "evil.example", .status = 421, .slug = "wrong_host"},
    {"PUT", STATUS, "evil.example", GOOD, .status = 421, .slug = "wrong_host"},
    {"GET", "/nothing", HOST, .status = 404, .slug = "not_found"},
    {"BREW", "/nothing", HOST, .status = 404, .slug = "not_found"},
    {"PUT", STATUS, HOST, .status = 405, .slug = "method_not_allowed"},
    {"OPTIONS", EVENTS, HOST, .origin = EVIL, .status = 405, .slug = "method_not_allowed"},
    {"BREW", STATUS, HOST, BAD, .status = 405, .slug = "method_not_allowed"},
    /* Credential */
    {"GET", STATUS, HOST, .status = 401, .slug = "no_token"},
    {"GET", STATUS, HOST, BAD, .status = 401, .slug = "wrong_token"},
    {"GET", STATUS, HOST, "Bearer", .status = 401, .slug = "no_token"},
    {"GET", STATUS, HOST, "Bearer ", .status = 401, .slug = "wrong_token"},
    {"GET", STATUS, HOST, "Basic c2VjcmV0LXRva2Vu", .status = 401, .slug = "no_token"},
    {"GET", STATUS, HOST, TOKEN, .status = 401, .slug = "no_token"},
    {"GET", STATUS, HOST, GOOD, .status = 0},
    {"GET", STATUS, HOST, "bearer  " TOKEN, .status = 0},
    {"GET", STATUS, HOST, .session = SESSION, .status = 0},
    {"GET", STATUS, HOST, .session = "unknown", .status = 401, .slug = "no_token"},
    {"GET", STATUS, HOST, .session = "", .status = 401, .slug = "no_token"},
    {"GET", STATUS, HOST, BAD, SESSION, .status = 401, .slug = "wrong_token"},
    {"GET", "/metrics", HOST, .status = 401, .slug = "no_token"},
    {"POST", LOGIN, HOST, GOOD, .status = 0},
    {"POST", LOGIN, HOST, .session = SESSION, .origin = OURS, .status = 401, .slug = "no_token"},
    {"DELETE", LOGIN, HOST, .session = SESSION, .origin = OURS, .status = 0},
    /* Credential before origin */
    {"GET", STATUS, HOST, .origin = EVIL, .status = 401, .slug = "no_token"},
    {"POST", PAUSE, HOST, BAD, .origin = EVIL, .status = 401, .slug = "wrong_token"},
    /* Origin, by token */
    {"GET", STATUS, HOST, GOOD, .origin = OURS, .status = 0},
    {"GET", STATUS, HOST, GOOD, .origin = EVIL, .status = 403, .slug = "foreign_origin"},
    {"GET", STATUS, HOST, GOOD, .origin = "null", .status = 403, .slug = "foreign_origin"},
    {"GET", STATUS, HOST, GOOD, .origin = "", .status = 403, .slug = "foreign_origin"},
    {"GET", STATUS, HOST, GOOD, .origin = "https://" HOST, .status = 403, .slug = "foreign_origin"},
    {"GET", STATUS, "localhost:6368", GOOD, .origin = OURS, .status = 403,
     .slug = "foreign_origin"}, /* our other name is another site to a browser */
    {"GET", STATUS, "localhost:6368", GOOD, .origin = "http://localhost:6368", .status = 0},
    {"POST", PAUSE, HOST, GOOD, .status = 0},
    {"POST", PAUSE, HOST, GOOD, .origin = OURS, .status = 0},
    {"POST", PAUSE, HOST, GOOD, .origin = EVIL, .status = 403, .slug = "foreign_origin"},
    {"POST", LOGIN, HOST, GOOD, .origin = EVIL, .status = 403, .slug = "foreign_origin"},
    /* Origin, by session */
    {"GET", STATUS, HOST, .session = SESSION, .origin = EVIL, .status = 403,
     .slug = "foreign_origin"},
    {"HEAD", STATUS, HOST, .session = SESSION, .status = 0},
    {"POST", PAUSE, HOST, .session = SESSION, .status = 403, .slug = "foreign_origin"},
    {"POST", PAUSE, HOST, .session = SESSION, .origin = OURS, .status = 0},
    {"POST", PAUSE, HOST, .session = SESSION, .origin = EVIL, .status = 403,
     .slug = "foreign_origin"},
    {"DELETE", "/api/v1/rules/x", HOST, .session = SESSION, .status = 403,
     .slug = "foreign_origin"},
    {"PUT", "/api/v1/rules/x", HOST, .session = SESSION, .origin = OURS, .type = JSON,
     .length = "9", .status = 0},
    /* Sec-Fetch-Site */
    {"GET", STATUS, HOST, GOOD, .site = "same-origin", .status = 0},
    {"GET", STATUS, HOST, GOOD, .site = "none", .status = 0},
    {"GET", STATUS, HOST, GOOD, .site = "same-site", .status = 403, .slug = "foreign_origin"},
    {"GET", STATUS, HOST, .session = SESSION, .site = "cross-site", .status = 403,
     .slug = "foreign_origin"},
    {"POST", PAUSE, HOST, .session = SESSION, .site = "same-origin", .status = 403,
     .slug = "foreign_origin"}, /* does not stand in for the Origin */
    {"POST", PAUSE, HOST, .session = SESSION, .origin = OURS, .site = "cross-site", .status = 403,
     .slug = "foreign_origin"},
    /* Content type before size */
    {"POST", EVENTS, HOST, GOOD, .length = "9", .status = 415, .slug = "not_json"},
    {"POST", EVENTS, HOST, GOOD, .type = JSON, .length = "9", .status = 0},
    {"POST", EVENTS, HOST, GOOD, .type = "Application/JSON; charset=utf-8", .length = "9",
     .status = 0},
    {"POST", EVENTS, HOST, GOOD, .type = JSON "p", .length = "9", .status = 415,
     .slug = "not_json"},
    {"POST", EVENTS, HOST, GOOD, .type = "text/plain", .length = "9", .status = 415,
     .slug = "not_json"},
    {"POST", EVENTS, HOST, GOOD, .type = "application/x-www-form-urlencoded", .length = "99999999",
     .status = 415, .slug = "not_json"},
    {"POST", EVENTS, HOST, GOOD, .status = 415, .slug = "not_json"},
    {"POST", PAUSE, HOST, GOOD, .length = "0", .status = 0},
    {"POST", PAUSE, HOST, GOOD, .length = "2", .status = 415, .slug = "not_json"},
    {"POST", PAUSE, HOST, GOOD, .encoding = "chunked", .status = 415, .slug = "not_json"},
    {"POST", PAUSE, HOST, GOOD, .encoding = "chunked", .type = JSON, .status = 0},
    {"POST", EVENTS, HOST, GOOD, .origin = EVIL, .type = "text/plain", .status = 403,
     .slug = "foreign_origin"},
    /* Size */
    {"POST", EVENTS, HOST, GOOD, .type = JSON, .length = "65536", .status = 0},
    {"POST", EVENTS, HOST, GOOD, .type = JSON, .length = "65537", .status = 413,
     .slug = "too_large"},
    {"POST", EVENTS, HOST, GOOD, .type = JSON, .length = "99999999999999999999999", .status = 413,
     .slug = "too_large"},
    {"POST", EVENTS, HOST, GOOD, .type = JSON, .length = "-1", .status = 400, .slug = "malformed"},
    {"GET", STATUS, HOST, GOOD, .length = "1", .status = 413, .slug = "too_large"},
    {"GET", STATUS, HOST, GOOD, .length = "0", .status = 0},
    {"GET", "/livez", HOST, .encoding = "chunked", .status = 413, .slug = "too_large"},
    /* Framing before everything */
    {"POST", "/nothing", "evil.example", .type = JSON, .length = "3", .encoding = "chunked",
     .status = 400, .slug = "malformed"},
};

static const struct peer admin = {.asker = {.all = true, .uid = 0, .text = "uid 0 (socket)"}};
static const struct peer user = {.asker = {.uid = 1000, .text = "uid 1000 (socket)"}};
static const struct peer stranger = {.refused = true};

static const struct {
    const struct peer *peer;
    struct gate_case gate;
} peer_cases[] = {
    {&admin, {"GET", STATUS, "whatever", .origin = EVIL, .site = "cross-site", .status = 0}},
    {&admin, {"POST", PAUSE, NULL, .origin = EVIL, .status = 0}},
    {&admin, {"GET", "/metrics", NULL, .status = 0}},
    {&admin, {"GET", "/nothing", NULL, .status = 404, .slug = "not_found"}},
    {&admin, {"PUT", STATUS, NULL, .status = 405, .slug = "method_not_allowed"}},
    {&admin, {"POST", LOGIN, NULL, GOOD, .status = 403, .slug = "forbidden"}},
    {&admin,
     {"POST", EVENTS, NULL, .type = "text/plain", .length = "9", .status = 415,
      .slug = "not_json"}},
    {&admin,
     {"POST", EVENTS, NULL, .type = JSON, .length = "65537", .status = 413, .slug = "too_large"}},
    {&user, {"GET", STATUS, NULL, .status = 0}},
    {&user, {"GET", "/api/v1/processes", NULL, .status = 0}},
    {&user, {"POST", "/api/v1/actions", NULL, .type = JSON, .length = "9", .status = 0}},
    {&user, {"GET", "/metrics", NULL, .status = 403, .slug = "forbidden"}},
    {&user, {"GET", EVENTS, NULL, .status = 403, .slug = "forbidden"}},
    {&user,
     {"PUT", "/api/v1/rules/x", NULL, .type = JSON, .length = "9", .status = 403,
      .slug = "forbidden"}},
    {&user, {"POST", PAUSE, NULL, GOOD, .status = 403, .slug = "forbidden"}},
    {&stranger, {"GET", STATUS, NULL, .status = 403, .slug = "foreign_namespace"}},
    {&stranger, {"GET", "/livez", NULL, .status = 403, .slug = "foreign_namespace"}},
    {&stranger, {"GET", STATUS, NULL, GOOD, .status = 403, .slug = "foreign_namespace"}},
};

static struct gate gate;
static char session[SESSION_ID_SIZE];
static uint64_t now_usec;

static int set_up(void **state)
{
    (void)state;
    now_usec = 1000 * USEC_PER_SEC;
    assert_int_equal(gate_init(&gate, TOKEN, "192.0.2.7", PORT), 0);
    return session_add(&gate.sessions, now_usec, session);
}

static int tear_down(void **state)
{
    (void)state;
    gate_finish(&gate);
    return 0;
}

static bool pass(const struct gate_case *c, const struct peer *peer, struct asker *ret_asker,
                 struct reply *reply)
{
    struct route_match match;
    route_find(c->method, c->path, &match);
    struct gate_facts facts = {
        .peer = peer,
        .match = &match,
        .host = c->host,
        .authorization = c->authorization,
        .session = c->session && strcmp(c->session, SESSION) == 0 ? session : c->session,
        .origin = c->origin,
        .sec_fetch_site = c->site,
        .content_type = c->type,
        .content_length = c->length,
        .transfer_encoding = c->encoding,
        .host_count = c->host ? 1 : 0,
        .content_length_count = c->length ? 1 : 0,
        .transfer_encoding_count = c->encoding ? 1 : 0,
    };
    reply_init(reply);
    return gate_check(&gate, &facts, now_usec, ret_asker, reply);
}

static void check(const struct gate_case *c, const struct peer *peer)
{
    struct asker asker;
    struct reply reply;
    char type[64];
    now_usec += 60 * USEC_PER_SEC; /* no case meets the rates of the one before */
    bool passed = pass(c, peer, &asker, &reply);
    if (passed != (c->status == 0) || reply.status != c->status)
        fail_msg("%s %s host %s: %u, not %u", c->method, c->path, c->host ? c->host : "-",
                 reply.status, c->status);
    if (!passed) {
        snprintf(type, sizeof(type), "problem:%s\"", c->slug);
        assert_int_equal(buffer_append(&reply.body, "", 1), 0);
        if (!strstr(reply.body.data, type))
            fail_msg("%s %s: %s", c->method, c->path, reply.body.data);
    }
    reply_finish(&reply);
}

static void test_tcp_matrix(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(tcp_cases) / sizeof(tcp_cases[0]); i++)
        check(&tcp_cases[i], NULL);
}

static void test_peer_matrix(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(peer_cases) / sizeof(peer_cases[0]); i++)
        check(&peer_cases[i].gate, peer_cases[i].peer);
}

/* No mix of headers without a credential gets past the gate where one is needed. */
static void test_nothing_passes_without_a_credential(void **state)
{
    (void)state;
    static const char *const hosts[] = {HOST, "evil.example", NULL};
    static const char *const origins[] = {OURS, EVIL, NULL};
    static const char *const tokens[] = {BAD, NULL};
    static const char *const sites[] = {"same-origin", "cross-site", NULL};
    size_t count = 0;
    for (const struct route *route = route_table(); route->pattern; route++) {
        if (route->rights == RIGHTS_OPEN)
            continue;
        static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};
        for (size_t i = 0; i < 3 * 3 * 2 * 3; i++, count++) {
            char path[64];
            snprintf(path, sizeof(path), "%.*s%s%s", (int)strcspn(route->pattern, "{"),
                     route->pattern, strchr(route->pattern, '{') ? "x" : "",
                     strchr(route->pattern, '}') ? strchr(route->pattern, '}') + 1 : "");
            struct gate_case c = {methods[route->method],
                                  path,
                                  hosts[i % 3],
                                  tokens[i / 3 % 2],
                                  NULL,
                                  origins[i / 6 % 3],
                                  sites[i / 18 % 3],
                                  JSON,
                                  "9",
                                  .status = 0};
            struct asker asker;
            struct reply reply;
            now_usec += 60 * USEC_PER_SEC;
            assert_false(pass(&c, NULL, &asker, &reply));
            assert_true(reply.status == 421 || reply.status == 401);
            reply_finish(&reply);
        }
    }
    assert_true(count > 1000);
}

static void test_who_asks(void **state)
{
    (void)state;
    struct asker asker;
    struct reply reply;
    assert_true(
        pass(&(struct gate_case){"GET", STATUS, HOST, GOOD, .status = 0}, NULL, &asker, &reply));
    assert_true(asker.all);
    assert_string_equal(asker.text, "token (http)");
    assert_true(
        pass(&(struct gate_case){"GET", STATUS, HOST, .session = SESSION}, NULL, &asker, &reply));
    assert_string_equal(asker.text, "session (http)");
    assert_true(pass(&(struct gate_case){"GET", STATUS, .status = 0}, &user, &asker, &reply));
    assert_false(asker.all);
    assert_int_equal(asker.uid, 1000);
    assert_true(
        pass(&(struct gate_case){"GET", "/livez", HOST, .status = 0}, NULL, &asker, &reply));
    assert_false(asker.all);
    assert_int_not_equal(asker.uid, 0);
}

static unsigned status_of(const struct gate_case *c, const struct peer *peer)
{
    struct asker asker;
    struct reply reply;
    pass(c, peer, &asker, &reply);
    unsigned status = reply.status;
    reply_finish(&reply);
    return status;
}

static void test_wrong_tokens_are_slowed(void **state)
{
    (void)state;
    struct gate_case wrong = {"GET", STATUS, HOST, BAD, .status = 0},
                     none = {"GET", STATUS, HOST, .status = 0};
    struct gate_case right = {"GET", STATUS, HOST, GOOD, .status = 0};
    for (int i = 0; i < 5; i++)
        assert_int_equal(status_of(&wrong, NULL), 401);
    assert_int_equal(status_of(&wrong, NULL), 429);
    assert_int_equal(status_of(&none, NULL), 401);
    assert_int_equal(status_of(&right, NULL), 0);
    now_usec += 59 * USEC_PER_SEC;
    assert_int_equal(status_of(&wrong, NULL), 429);
    now_usec += 2 * USEC_PER_SEC;
    assert_int_equal(status_of(&wrong, NULL), 401);
}

static void test_changes_are_limited(void **state)
{
    (void)state;
    struct gate_case change = {"POST", PAUSE, HOST, GOOD, .status = 0},
                     read = {"GET", STATUS, HOST, GOOD, .status = 0};
    struct gate_case action = {"POST", "/api/v1/actions", .type = JSON, .length = "9"};
    for (int i = 0; i < 20; i++)
        assert_int_equal(status_of(&change, NULL), 0);
    assert_int_equal(status_of(&change, NULL), 429);
    assert_int_equal(status_of(&read, NULL), 0);
    now_usec += USEC_PER_SEC / 20;
    assert_int_equal(status_of(&change, NULL), 0);
    assert_int_equal(status_of(&change, NULL), 429);
    for (int i = 0; i < 20; i++)
        assert_int_equal(status_of(&action, &user), 0);
    assert_int_equal(status_of(&action, &user), 429);
    assert_int_equal(status_of(&action, &admin), 0);
}

static void test_large_headers(void **state)
{
    (void)state;
    struct route_match match;
    struct asker asker;
    struct reply reply;
    route_find("GET", "/livez", &match);
    struct gate_facts facts = {
        .match = &match, .host = HOST, .host_count = 1, .header_bytes = 16385};
    reply_init(&reply);
    assert_false(gate_check(&gate, &facts, now_usec, &asker, &reply));
    assert_int_equal(reply.status, 431);
    assert_true(reply.close);
    reply_finish(&reply);
}

static void test_repeated_headers(void **state)
{
    (void)state;
    struct route_match match;
    route_find("GET", "/livez", &match);
    const struct gate_facts cases[] = {
        {.match = &match, .host = HOST, .host_count = 2},
        {.match = &match, .host = HOST, .host_count = 1, .content_length_count = 2},
        {.match = &match, .host = HOST, .host_count = 1, .transfer_encoding_count = 2},
    };
    for (size_t i = 0; i < 3; i++) {
        struct asker asker;
        struct reply reply;
        reply_init(&reply);
        assert_false(gate_check(&gate, &cases[i], now_usec, &asker, &reply));
        assert_int_equal(reply.status, 400);
        assert_true(reply.close);
        reply_finish(&reply);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tcp_matrix, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_peer_matrix, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_passes_without_a_credential, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_who_asks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_tokens_are_slowed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_changes_are_limited, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_large_headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_repeated_headers, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
