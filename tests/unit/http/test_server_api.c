/* SPDX-License-Identifier: MIT */
/* Every resource over a real socket: statuses, headers, bodies, rights. */
#include "fake_head.h"
#include "raw_client.h"

#include "base/text.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct fake_head head;
static struct raw_answer answer;

#define AUTH "Authorization: Bearer " FAKE_TOKEN "\r\n"

/* headers: further lines, each ended by CR LF. body NULL: none. */
static void ask_on(int fd, bool tcp, const char *method, const char *path, const char *headers,
                   const char *body)
{
    static char request[1 << 18];
    char length[64] = "";
    if (body)
        snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(body));
    snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: %s:%u\r\n%s%s\r\n%s", method, path,
             "127.0.0.1", tcp ? head.port : 1U, headers, length, body ? body : "");
    assert_true(raw_send(fd, request));
    if (strcmp(method, "HEAD") == 0)
        raw_read_head(fd, &answer);
    else
        raw_read(fd, &answer);
}

static int ask_tcp(const char *method, const char *path, const char *headers, const char *body)
{
    int fd = raw_connect_tcp(head.port);
    ask_on(fd, true, method, path, headers, body);
    close(fd);
    return answer.status;
}

static int ask_unix(const char *method, const char *path, const char *body)
{
    int fd = raw_connect_unix(head.path);
    ask_on(fd, false, method, path, body ? "Content-Type: application/json\r\n" : "", body);
    close(fd);
    return answer.status;
}

static const char *problem_slug(void)
{
    static char slug[64];
    json_t *problem = raw_json(&answer);
    const char *type = json_string_value(json_object_get(problem, "type"));
    assert_non_null(type);
    snprintf(slug, sizeof(slug), "%s", type + strlen("urn:memtend:problem:"));
    assert_int_equal(json_integer_value(json_object_get(problem, "status")), answer.status);
    assert_string_equal(raw_header(&answer, "Content-Type"), "application/problem+json");
    json_decref(problem);
    return slug;
}

static int set_up(void **state)
{
    (void)state;
    fake_head_start(&head, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fake_head_stop(&head);
    return 0;
}

static void test_open_routes_need_nothing(void **state)
{
    (void)state;
    static const char *const paths[] = {"/", "/livez", "/readyz", "/openapi.json",
                                        "/assets/app.js"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_int_equal(ask_tcp("GET", paths[i], "", NULL), 200);
        assert_int_equal(ask_tcp("HEAD", paths[i], "", NULL), 200);
        assert_int_equal(answer.body_size, 0);
        assert_int_equal(ask_unix("GET", paths[i], NULL), 200);
    }
    ask_tcp("GET", "/readyz", "", NULL);
    assert_non_null(strstr(answer.body, "[+] a fast pass is done"));
}

static void test_security_headers(void **state)
{
    (void)state;
    ask_tcp("GET", "/", "", NULL);
    const char *csp = raw_header(&answer, "Content-Security-Policy");
    assert_non_null(strstr(csp, "default-src 'none'"));
    assert_non_null(strstr(csp, "frame-ancestors 'none'"));
    assert_string_equal(raw_header(&answer, "X-Content-Type-Options"), "nosniff");
    assert_string_equal(raw_header(&answer, "Referrer-Policy"), "no-referrer");
    assert_string_equal(raw_header(&answer, "Cache-Control"), "no-cache");
    assert_string_equal(raw_header(&answer, "Access-Control-Allow-Origin"), "");
    assert_string_equal(raw_header(&answer, "Content-Type"), "text/html; charset=utf-8");
    ask_tcp("GET", "/api/v1/status", "", NULL);
    assert_string_equal(raw_header(&answer, "Cache-Control"), "no-store");
    assert_non_null(strstr(raw_header(&answer, "Content-Security-Policy"), "default-src 'none'"));
}

static void test_assets_have_tags(void **state)
{
    (void)state;
    char headers[256];
    assert_int_equal(ask_tcp("GET", "/assets/chart.umd.min.js", "", NULL), 200);
    assert_string_equal(raw_header(&answer, "Content-Type"), "text/javascript; charset=utf-8");
    assert_true(answer.body_size > 10000);
    snprintf(headers, sizeof(headers), "If-None-Match: %s\r\n", raw_header(&answer, "ETag"));
    assert_int_equal(ask_tcp("GET", "/assets/chart.umd.min.js", headers, NULL), 304);
    assert_int_equal(ask_tcp("GET", "/assets/none.js", "", NULL), 404);
    assert_int_equal(ask_tcp("GET", "/assets/..%2fserver.c", "", NULL), 404);
}

static void test_token_and_wrong_token(void **state)
{
    (void)state;
    assert_int_equal(ask_tcp("GET", "/api/v1/status", "", NULL), 401);
    assert_string_equal(raw_header(&answer, "WWW-Authenticate"), "Bearer realm=\"memtend\"");
    assert_int_equal(ask_tcp("GET", "/api/v1/status", AUTH, NULL), 200);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask_tcp("GET", "/api/v1/host", "Authorization: Bearer x\r\n", NULL), 401);
    assert_int_equal(ask_tcp("GET", "/api/v1/host", "Authorization: Bearer x\r\n", NULL), 429);
    assert_string_equal(raw_header(&answer, "Retry-After"), "60");
    assert_int_equal(ask_tcp("GET", "/api/v1/host", AUTH, NULL), 200);
}

static void test_session(void **state)
{
    (void)state;
    char cookie[256], headers[512];
    assert_int_equal(ask_tcp("POST", "/api/v1/session", "", NULL), 401);
    assert_int_equal(ask_tcp("POST", "/api/v1/session", AUTH, NULL), 204);
    snprintf(cookie, sizeof(cookie), "%s", raw_header(&answer, "Set-Cookie"));
    assert_non_null(strstr(cookie, "HttpOnly; SameSite=Strict"));
    assert_null(strstr(cookie, FAKE_TOKEN));
    cookie[strcspn(cookie, ";")] = '\0';
    snprintf(headers, sizeof(headers), "Cookie: a=b; %s\r\n", cookie);
    assert_int_equal(ask_tcp("GET", "/api/v1/status", headers, NULL), 200);
    assert_int_equal(ask_tcp("DELETE", "/api/v1/session", headers, NULL), 403);
    snprintf(headers, sizeof(headers), "Cookie: %s\r\nOrigin: http://evil.example\r\n", cookie);
    assert_int_equal(ask_tcp("GET", "/api/v1/status", headers, NULL), 403);
    snprintf(headers, sizeof(headers), "Cookie: %s\r\nOrigin: http://127.0.0.1:%u\r\n", cookie,
             head.port);
    assert_int_equal(ask_tcp("DELETE", "/api/v1/session", headers, NULL), 204);
    assert_int_equal(ask_tcp("GET", "/api/v1/status", headers, NULL), 401);
}

static void test_live_state_has_tags(void **state)
{
    (void)state;
    static const char *const paths[] = {"/api/v1/status", "/api/v1/host", "/api/v1/processes",
                                        "/api/v1/processes/pid:100"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        char headers[256];
        assert_int_equal(ask_tcp("GET", paths[i], AUTH, NULL), 200);
        snprintf(headers, sizeof(headers), AUTH "If-None-Match: %s\r\n",
                 raw_header(&answer, "ETag"));
        assert_int_equal(ask_tcp("GET", paths[i], headers, NULL), 304);
        assert_int_equal(answer.body_size, 0);
    }
}

static void test_processes_pages_hold_each_once(void **state)
{
    (void)state;
    static const char *const sorts[] = {"rss", "pid", "comm", "cpu", "headroom"};
    for (size_t s = 0; s < sizeof(sorts) / sizeof(sorts[0]); s++) {
        bool seen[FAKE_PROCESSES] = {0};
        char path[512], cursor[256] = "";
        int pages = 0;
        do {
            snprintf(path, sizeof(path), "/api/v1/processes?limit=4&sort=%s%s%s", sorts[s],
                     *cursor ? "&cursor=" : "", cursor);
            assert_int_equal(ask_tcp("GET", path, AUTH, NULL), 200);
            json_t *list = raw_json(&answer);
            size_t i;
            json_t *item;
            json_array_foreach(json_object_get(list, "items"), i, item)
            {
                json_int_t pid = json_integer_value(json_object_get(item, "pid"));
                assert_false(seen[pid - 100]);
                seen[pid - 100] = true;
            }
            const char *next = json_string_value(json_object_get(list, "next_cursor"));
            snprintf(cursor, sizeof(cursor), "%s", next ? next : "");
            json_decref(list);
            pages++;
        } while (*cursor);
        assert_int_equal(pages, (FAKE_PROCESSES + 3) / 4);
        for (size_t i = 0; i < FAKE_PROCESSES; i++)
            assert_true(seen[i]);
    }
}

/* What is left of a limit is looked at where it is least; what is not known comes last. */
static void test_least_headroom_first(void **state)
{
    (void)state;
    static const char *const paths[] = {"/api/v1/processes?sort=headroom",
                                        "/api/v1/groups?sort=headroom_bytes"};
    for (size_t p = 0; p < sizeof(paths) / sizeof(paths[0]); p++) {
        assert_int_equal(ask_tcp("GET", paths[p], AUTH, NULL), 200);
        json_t *list = raw_json(&answer), *item;
        json_int_t last = -2;
        size_t i, absent = 0;
        json_array_foreach(json_object_get(list, "items"), i, item)
        {
            const json_t *room = json_object_get(item, "headroom_bytes");
            assert_true(!room || absent == 0);
            assert_true(i > 0 || json_integer_value(room) == last);
            assert_true(!room || json_integer_value(room) >= last);
            last = room ? json_integer_value(room) : last;
            absent += !room;
        }
        assert_int_equal(absent, 1);
        assert_true(last > 0);
        json_decref(list);
    }
}

/* Each once, whatever they are sorted by; those without the value last; least headroom first. */
static void test_cgroups(void **state)
{
    (void)state;
    static const char *const sorts[] = {"needed_bytes", "headroom_bytes", "limit_bytes"};
    for (size_t s = 0; s < sizeof(sorts) / sizeof(sorts[0]); s++) {
        char path[256], cursor[64] = "", order[256] = "";
        int pages = 0;
        do {
            snprintf(path, sizeof(path), "/api/v1/cgroups?limit=4&sort=%s%s%s", sorts[s],
                     *cursor ? "&cursor=" : "", cursor);
            assert_int_equal(ask_tcp("GET", path, AUTH, NULL), 200);
            json_t *list = raw_json(&answer), *item;
            size_t i;
            json_array_foreach(json_object_get(list, "items"), i, item)
            {
                const char *name = json_string_value(json_object_get(item, "path"));
                size_t length = strlen(order);
                name += strlen("/system.slice/s");
                snprintf(order + length, sizeof(order) - length, "%.*s ", (int)strcspn(name, "."),
                         name);
            }
            const char *next = json_string_value(json_object_get(list, "next_cursor"));
            snprintf(cursor, sizeof(cursor), "%s", next ? next : "");
            json_decref(list);
            pages++;
        } while (*cursor && pages < 9);
        assert_int_equal(pages, 3);
        static const char *const orders[] = {"11 10 9 8 7 4 3 2 1 0 6 ", "0 1 2 3 4 7 8 9 10 11 6 ",
                                             "11 10 9 8 7 6 4 3 2 1 0 "};
        assert_string_equal(order, orders[s]);
    }
    assert_int_equal(ask_tcp("GET", "/api/v1/cgroups?q=S11.", AUTH, NULL), 200);
    json_t *list = raw_json(&answer);
    assert_int_equal(json_array_size(json_object_get(list, "items")), 1);
    json_decref(list);
    static const char *const wrong[] = {"sort=rss",    "sort=path",  "cursor=v1",
                                        "cursor=x1_1", "cursor=v_1", "cursor=x_99999999999",
                                        "limit=0",     "p=1"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char path[128];
        snprintf(path, sizeof(path), "/api/v1/cgroups?%s", wrong[i]);
        assert_int_equal(ask_tcp("GET", path, AUTH, NULL), 422);
    }
    assert_int_equal(ask_tcp("GET", "/api/v1/series?target=host&metric=headroom", AUTH, NULL), 422);
}

static void test_hostile_names_stay_text(void **state)
{
    (void)state;
    assert_int_equal(ask_tcp("GET", "/api/v1/processes?limit=1000", AUTH, NULL), 200);
    assert_string_equal(raw_header(&answer, "Content-Type"), "application/json");
    for (size_t i = 0; i < answer.body_size; i++)
        assert_true((unsigned char)answer.body[i] >= 0x20);
    assert_true(text_is_clean(answer.body));
    json_t *list = raw_json(&answer);
    assert_int_equal(json_array_size(json_object_get(list, "items")), FAKE_PROCESSES);
    json_decref(list);
    assert_int_equal(ask_tcp("GET", "/api/v1/processes?q=%3c%2fSCRIPT", AUTH, NULL), 200);
    list = raw_json(&answer);
    assert_int_equal(json_array_size(json_object_get(list, "items")), 4);
    json_decref(list);
    assert_int_equal(ask_tcp("GET", "/api/v1/processes?sort=%1b%ff%3cscript", AUTH, NULL), 422);
    assert_true(text_is_clean(answer.body));
}

static void test_bad_queries(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/api/v1/processes?limit=0",
        "/api/v1/processes?limit=1001",
        "/api/v1/processes?limit=-1",
        "/api/v1/processes?limit=10x",
        "/api/v1/processes?sort=mem.total",
        "/api/v1/processes?sort=",
        "/api/v1/processes?cursor=%2e%2e",
        "/api/v1/processes?cursor=abc",
        "/api/v1/processes?cursor=p_1-2&sort=rss",
        "/api/v1/processes?limit=1&limit=2",
        "/api/v1/processes?colour=red",
        "/api/v1/processes/host",
        "/api/v1/processes/unit:a",
        "/api/v1/series?target=host",
        "/api/v1/series?target=host&metric=rss,,",
        "/api/v1/series?target=host&metric=nothing",
        "/api/v1/series?target=host&metric=mem.total&points=2001",
        "/api/v1/series?target=host&metric=mem.total&from=-1h&to=-2h",
        "/api/v1/series?target=host&metric=mem.total&agg=median",
        "/api/v1/series?target=a%00b&metric=rss",
        "/api/v1/events?kind=party",
        "/api/v1/events?from=yesterday",
        "/api/v1/rules/.hidden",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (ask_tcp("GET", paths[i], AUTH, NULL) != 422)
            fail_msg("%s: %d", paths[i], answer.status);
        problem_slug();
    }
    assert_int_equal(ask_tcp("GET", "/api/v1/processes/pid:99", AUTH, NULL), 404);
    assert_int_equal(ask_tcp("GET", "/api/v1/processes/100-1", AUTH, NULL), 404);
    assert_int_equal(ask_tcp("GET", "/api/v1/series?target=pid:99&metric=rss", AUTH, NULL), 404);
}

static void test_agent(void **state)
{
    (void)state;
    assert_int_equal(ask_tcp("GET", "/api/v1/processes/pid:100/agent", AUTH, NULL), 200);
    json_t *told = raw_json(&answer), *gc = json_object_get(told, "gc");
    json_t *pymalloc = json_object_get(told, "pymalloc");
    json_t *class = json_array_get(json_object_get(pymalloc, "classes"), 0);
    assert_true(json_is_false(json_object_get(gc, "enabled")));
    assert_int_equal(json_integer_value(json_array_get(json_object_get(gc, "count"), 2)), 9);
    assert_int_equal(json_integer_value(json_object_get(pymalloc, "pools")), 5);
    assert_int_equal(json_integer_value(json_object_get(class, "blocks")), 6);
    assert_true(json_is_null(json_object_get(told, "interpreter")));
    json_decref(told);
    assert_int_equal(ask_tcp("GET", "/api/v1/processes/pid:104/agent", AUTH, NULL), 409);
    assert_string_equal(problem_slug(), "no_agent");
    assert_int_equal(ask_tcp("GET", "/api/v1/processes/pid:99/agent", AUTH, NULL), 404);
    assert_int_equal(ask_tcp("GET", "/api/v1/processes/host/agent", AUTH, NULL), 422);
    assert_int_equal(ask_tcp("GET", "/api/v1/processes/pid:100/agent?a=1", AUTH, NULL), 422);
    assert_int_equal(ask_tcp("GET", "/api/v1/processes/pid:100/agent", "", NULL), 401);
}

static void test_ledger(void **state)
{
    (void)state;
    assert_int_equal(ask_tcp("GET", "/api/v1/processes/pid:100/ledger", AUTH, NULL), 200);
    json_t *told = raw_json(&answer), *layers = json_object_get(told, "layers");
    json_t *large = json_array_get(json_object_get(told, "large"), 0);
    assert_string_equal(json_string_value(json_object_get(told, "id")), "100-5000");
    assert_true(json_is_true(json_object_get(told, "whole")));
    assert_true(json_is_null(json_object_get(told, "missing")));
    assert_int_equal(json_real_value(json_object_get(told, "age_seconds")) * 10, 20);
    assert_null(json_object_get(told, "pools_age_seconds"));
    assert_null(json_object_get(told, "huge_bytes"));
    assert_int_equal(json_array_size(layers), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(layers, 0), "layer")),
                        "file");
    assert_string_equal(json_string_value(json_object_get(large, "start")), "7f0000001000");
    assert_int_equal(json_real_value(json_object_get(large, "born_seconds_ago")), 5);
    json_decref(told);
    assert_int_equal(ask_tcp("GET", "/api/v1/processes/pid:103/ledger", AUTH, NULL), 200);
    told = raw_json(&answer);
    assert_true(json_is_false(json_object_get(told, "whole")));
    assert_string_equal(json_string_value(json_object_get(told, "missing")), "not yours");
    assert_null(json_object_get(told, "large"));
    json_decref(told);
    assert_int_equal(ask_tcp("GET", "/api/v1/processes/pid:99/ledger", AUTH, NULL), 404);
    assert_int_equal(ask_tcp("GET", "/api/v1/processes/pid:100/ledger?a=1", AUTH, NULL), 422);
    assert_int_equal(ask_tcp("GET", "/api/v1/processes/pid:100/ledger", "", NULL), 401);
}

static void test_verdict(void **state)
{
    (void)state;
    assert_int_equal(ask_tcp("GET", "/api/v1/processes/pid:100/verdict", AUTH, NULL), 200);
    json_t *told = raw_json(&answer);
    assert_string_equal(json_string_value(json_object_get(told, "cause")), "files");
    assert_string_equal(json_string_value(json_object_get(told, "confidence")), "high");
    assert_string_equal(json_string_value(json_object_get(told, "step")), "none");
    assert_int_equal(json_array_size(json_object_get(told, "evidence")), 1);
    assert_int_equal(
        json_integer_value(json_array_get(json_object_get(told, "predicted_bytes"), 1)), 64);
    assert_null(json_object_get(told, "predicted_pause_seconds"));
    assert_true(json_is_null(json_object_get(told, "next")));
    json_decref(told);
    assert_int_equal(ask_tcp("GET", "/api/v1/processes/pid:103/verdict", AUTH, NULL), 200);
    told = raw_json(&answer);
    assert_null(json_object_get(told, "predicted_bytes"));
    json_decref(told);
    assert_int_equal(ask_tcp("GET", "/api/v1/processes/pid:99/verdict", AUTH, NULL), 404);
    assert_int_equal(ask_tcp("POST", "/api/v1/processes/pid:100/verdict", AUTH, NULL), 405);
}

static void test_census(void **state)
{
    (void)state;
    assert_int_equal(
        ask_tcp("GET", "/api/v1/processes/pid:100/census?mode=suspects&top=7", AUTH, NULL), 200);
    json_t *told = raw_json(&answer);
    json_t *finding = json_array_get(json_object_get(told, "findings"), 0);
    assert_string_equal(json_string_value(json_object_get(told, "mode")), "suspects");
    assert_int_equal(json_integer_value(json_object_get(told, "objects")), 77);
    assert_true(json_is_real(json_object_get(told, "hold_seconds")));
    assert_null(json_object_get(told, "run_seconds"));
    assert_int_equal(json_integer_value(json_object_get(finding, "count")), 5000);
    assert_int_equal(json_integer_value(json_object_get(finding, "growth")), 40);
    assert_null(json_object_get(finding, "references"));
    assert_int_equal(json_array_size(json_object_get(finding, "holders")), 1);
    json_decref(told);
    assert_int_equal(ask_tcp("GET", "/api/v1/processes/pid:103/census", AUTH, NULL), 504);
    assert_string_equal(problem_slug(), "gil_timeout");
    assert_int_equal(ask_tcp("GET", "/api/v1/processes/pid:104/census", AUTH, NULL), 409);
    assert_string_equal(problem_slug(), "no_agent");
    assert_int_equal(ask_tcp("GET", "/api/v1/processes/pid:99/census", AUTH, NULL), 404);
    static const char *const wrong[] = {"mode=all", "top=0",         "top=41", "top=x",
                                        "a=1",      "max_objects=0", "mode=",  "top=1&top=2"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char path[128];
        snprintf(path, sizeof(path), "/api/v1/processes/pid:100/census?%s", wrong[i]);
        assert_int_equal(ask_tcp("GET", path, AUTH, NULL), 422);
    }
    assert_int_equal(ask_tcp("GET", "/api/v1/processes/pid:100/census", "", NULL), 401);
    assert_int_equal(ask_tcp("POST", "/api/v1/processes/pid:100/census", AUTH, NULL), 405);
}

static void test_actions(void **state)
{
    (void)state;
    static const char body[] = "{\"target\":\"pid:100\",\"steps\":[\"collect\",\"trim\"]}";
    assert_int_equal(ask_unix("POST", "/api/v1/actions", body), 202);
    assert_string_equal(raw_header(&answer, "Location"), "/api/v1/actions/r-1");
    json_t *receipt = raw_json(&answer);
    assert_null(json_object_get(receipt, "outcome"));
    json_decref(receipt);
    assert_int_equal(ask_unix("POST", "/api/v1/actions?wait=10s", body), 200);
    receipt = raw_json(&answer);
    assert_string_equal(json_string_value(json_object_get(receipt, "outcome")), "freed_nothing");
    json_decref(receipt);
    assert_int_equal(ask_unix("POST", "/api/v1/actions?wait=31s", body), 422);
    assert_int_equal(ask_unix("POST", "/api/v1/actions?wait=1h", body), 422);
    assert_int_equal(ask_unix("GET", "/api/v1/actions/r-1", NULL), 200);
    assert_int_equal(ask_unix("GET", "/api/v1/actions?limit=3", NULL), 200);
    assert_int_equal(
        ask_unix("POST", "/api/v1/actions", "{\"target\":\"pid:104\",\"steps\":[\"trim\"]}"), 409);
    assert_string_equal(problem_slug(), "no_agent");
    assert_non_null(strstr(answer.body, "memtend run -- CMD"));
}

static void test_event_window(void **state)
{
    (void)state;
    assert_int_equal(ask_unix("GET", "/api/v1/events/7/window", NULL), 200);
    json_t *window = raw_json(&answer);
    json_t *event = json_object_get(window, "event"), *items = json_object_get(window, "items");
    assert_string_equal(json_string_value(json_object_get(event, "window")),
                        "/api/v1/events/7/window");
    assert_string_equal(json_string_value(json_object_get(event, "comm")), "python3");
    assert_true(json_is_true(json_object_get(event, "durable")));
    assert_string_equal(json_string_value(json_object_get(window, "from")),
                        "1970-01-01T00:15:40.000Z");
    assert_int_equal(json_array_size(items), 2);
    json_t *victim = json_array_get(items, 0);
    assert_true(json_is_true(json_object_get(victim, "victim")));
    assert_string_equal(json_string_value(json_object_get(victim, "id")), "100-5");
    json_t *sample = json_array_get(json_object_get(victim, "samples"), 0);
    assert_int_equal(json_integer_value(json_object_get(sample, "rss_bytes")), 4096);
    assert_null(json_object_get(sample, "pss_bytes"));
    json_decref(window);
    assert_int_equal(ask_unix("GET", "/api/v1/events/8/window", NULL), 200);
    window = raw_json(&answer);
    assert_null(json_object_get(window, "from"));
    assert_int_equal(json_array_size(json_object_get(window, "items")), 0);
    json_decref(window);
    assert_int_equal(ask_unix("GET", "/api/v1/events/9/window", NULL), 404);
    assert_int_equal(ask_unix("GET", "/api/v1/events/-7/window", NULL), 404);
    assert_int_equal(ask_unix("GET", "/api/v1/events/x/window", NULL), 404);
    assert_int_equal(ask_unix("GET", "/api/v1/events/7/window?x=1", NULL), 422);
}

static void test_bad_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int status;
    } cases[] = {
        {"", 400},
        {"{", 400},
        {"{} x", 400},
        {"{\"target\":\"1\",\"target\":\"2\",\"steps\":[\"trim\"]}", 400},
        {"{\"target\":\"\\u0000\",\"steps\":[\"trim\"]}", 400},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", 400},
        {"{\"target\":\"\xff\",\"steps\":[\"trim\"]}", 400},
        {"[]", 422},
        {"7", 422},
        {"{}", 422},
        {"{\"target\":7,\"steps\":[\"trim\"]}", 422},
        {"{\"target\":\"pid:1,pid:2\",\"steps\":[\"trim\"]}", 422},
        {"{\"target\":\"pid:100\",\"steps\":[]}", 422},
        {"{\"target\":\"pid:100\",\"steps\":\"trim\"}", 422},
        {"{\"target\":\"pid:100\",\"steps\":[\"kill\"]}", 422},
        {"{\"target\":\"pid:100\",\"steps\":[1]}", 422},
        {"{\"target\":\"pid:100\",\"steps\":[\"trim\"],\"dry_run\":1}", 422},
        {"{\"target\":\"pid:100\",\"steps\":[\"trim\"],\"colour\":1}", 422},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (ask_unix("POST", "/api/v1/actions", cases[i].body) != cases[i].status)
            fail_msg("%s: %d", cases[i].body, answer.status);
        problem_slug();
    }
}

static void test_events(void **state)
{
    (void)state;
    assert_int_equal(ask_unix("GET", "/api/v1/events?from=-1h&kind=receipt&limit=5", NULL), 200);
    json_t *list = raw_json(&answer);
    assert_string_equal(json_string_value(json_object_get(list, "next_cursor")), "abc-7");
    json_decref(list);
    assert_int_equal(ask_unix("GET", "/api/v1/audit", NULL), 200);
    assert_int_equal(
        ask_unix("POST", "/api/v1/events", "{\"kind\":\"deploy\",\"text\":\"v2 \xe2\x9c\x93\"}"),
        201);
    json_t *event = raw_json(&answer);
    assert_string_equal(json_string_value(json_object_get(event, "text")), "v2 \xe2\x9c\x93");
    json_decref(event);
    assert_int_equal(ask_unix("POST", "/api/v1/events", "{\"kind\":\"start\",\"text\":\"x\"}"),
                     422);
    assert_int_equal(ask_unix("POST", "/api/v1/events", "{\"kind\":\"deploy\",\"text\":\"\\n\"}"),
                     422);
    assert_int_equal(ask_unix("POST", "/api/v1/events", "{\"kind\":\"deploy\"}"), 422);
}

static void test_rules(void **state)
{
    (void)state;
    assert_int_equal(ask_unix("GET", "/api/v1/rules", NULL), 200);
    assert_int_equal(ask_unix("GET", "/api/v1/rules/x", NULL), 200);
    assert_int_equal(ask_unix("PUT", "/api/v1/rules/x", "{\"text\":\"rule x\\n when\"}"), 201);
    assert_int_equal(ask_unix("PUT", "/api/v1/rules/file", "{\"text\":\"rule file\"}"), 409);
    assert_int_equal(ask_unix("PUT", "/api/v1/rules/x", "{\"text\":\"bad\"}"), 422);
    json_t *problem = raw_json(&answer);
    json_t *error = json_array_get(json_object_get(problem, "errors"), 0);
    assert_int_equal(json_integer_value(json_object_get(error, "line")), 2);
    assert_int_equal(json_integer_value(json_object_get(error, "column")), 7);
    json_decref(problem);
    assert_int_equal(ask_unix("DELETE", "/api/v1/rules/x", NULL), 204);
    assert_int_equal(ask_unix("POST", "/api/v1/rules/x/arm", NULL), 200);
    assert_int_equal(ask_unix("POST", "/api/v1/rules/x/disarm", "{}"), 200);
    assert_int_equal(ask_unix("POST", "/api/v1/rules/x/disarm", "{\"a\":1}"), 422);
    assert_int_equal(ask_unix("POST", "/api/v1/rules/check", "{\"text\":\"rule x\"}"), 200);
    assert_int_equal(ask_unix("POST", "/api/v1/rules/check", "{\"text\":\"bad\"}"), 422);
    problem = raw_json(&answer);
    assert_int_equal(json_array_size(json_object_get(problem, "errors")), 2);
    json_decref(problem);
    assert_int_equal(ask_unix("POST", "/api/v1/rules/check", "{\"text\":\"\"}"), 422);
}

static void test_pause(void **state)
{
    (void)state;
    assert_int_equal(ask_unix("POST", "/api/v1/pause", NULL), 200);
    assert_int_equal(ask_unix("POST", "/api/v1/pause", "{\"for_seconds\":3600,\"rule\":\"x\"}"),
                     200);
    assert_int_equal(ask_unix("POST", "/api/v1/pause", "{\"for_seconds\":0}"), 422);
    assert_int_equal(ask_unix("POST", "/api/v1/pause", "{\"for_seconds\":1e300}"), 422);
    assert_int_equal(ask_unix("POST", "/api/v1/pause", "{\"rule\":\"../x\"}"), 422);
    assert_int_equal(ask_unix("POST", "/api/v1/resume", NULL), 200);
    assert_int_equal(ask_unix("POST", "/api/v1/resume", "{\"for_seconds\":1}"), 422);
}

static void test_series(void **state)
{
    (void)state;
    assert_int_equal(ask_tcp("GET",
                             "/api/v1/series?target=pid:100,host&metric=rss,cpu_percent&agg=range",
                             AUTH, NULL),
                     200);
    answer.text[answer.body - answer.text + (ptrdiff_t)answer.body_size] = '\0';
    assert_string_equal(answer.body,
                        "{\"step_seconds\":2.5,\"series\":[{\"target\":\"100-5000\",\"metric\":"
                        "\"rss_bytes\",\"points\":[[1000,5,6],[2000,null]]}]}");
}

static void test_metrics(void **state)
{
    (void)state;
    assert_int_equal(ask_tcp("GET", "/metrics", "", NULL), 401);
    assert_int_equal(ask_tcp("GET", "/metrics", AUTH, NULL), 200);
    assert_string_equal(raw_header(&answer, "Content-Type"),
                        "text/plain; version=0.0.4; charset=utf-8");
    assert_non_null(strstr(answer.body, "\nmemtend_ticks_total 42\n"));
    assert_null(strstr(answer.body, "pid="));
}

static void test_paths_and_methods(void **state)
{
    (void)state;
    assert_int_equal(ask_tcp("GET", "/nothing", "", NULL), 404);
    assert_int_equal(ask_tcp("GET", "/livez%00x", "", NULL), 404);
    assert_int_equal(ask_tcp("GET", "/api/v1/rules//arm", AUTH, NULL), 404);
    assert_int_equal(ask_tcp("PATCH", "/api/v1/rules/x", "", NULL), 405);
    assert_string_equal(raw_header(&answer, "Allow"), "GET, HEAD, PUT, DELETE");
    assert_int_equal(ask_tcp("OPTIONS", "/api/v1/status", "", NULL), 405);
    assert_int_equal(ask_tcp("GET", "/api/v1/pause", AUTH, NULL), 405);
}

/* Runs in this thread only: the server's threads keep their uid. */
static void become(uid_t uid)
{
    assert_return_code((int)syscall(SYS_setresuid, -1, uid, -1), errno);
}

static void test_other_uid_sees_its_own(void **state)
{
    (void)state;
    if (getuid() != 0) {
        print_message("SKIP: only root can play another user\n");
        skip();
    }
    static const struct {
        const char *method, *path, *body;
        int status;
    } cases[] = {
        {"GET", "/livez", NULL, 200},
        {"GET", "/api/v1/host", NULL, 200},
        {"GET", "/api/v1/processes/pid:101", NULL, 200},
        {"GET", "/api/v1/processes/pid:100", NULL, 403},
        {"GET", "/api/v1/series?target=pid:101&metric=rss", NULL, 200},
        {"GET", "/api/v1/series?target=pid:100&metric=rss", NULL, 403},
        {"GET", "/api/v1/series?target=unit:a&metric=rss", NULL, 403},
        {"GET", "/api/v1/events", NULL, 403},
        {"GET", "/api/v1/rules", NULL, 403},
        {"GET", "/api/v1/audit", NULL, 403},
        {"GET", "/metrics", NULL, 403},
        {"POST", "/api/v1/pause", NULL, 403},
        {"POST", "/api/v1/actions", "{\"target\":\"pid:101\",\"steps\":[\"trim\"]}", 202},
        {"POST", "/api/v1/actions", "{\"target\":\"pid:100\",\"steps\":[\"trim\"]}", 403},
        {"POST", "/api/v1/actions", "{\"target\":\"host\",\"steps\":[\"trim\"]}", 403},
        {"POST", "/api/v1/session", NULL, 403},
    };
    become(FAKE_OTHER_UID);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (ask_unix(cases[i].method, cases[i].path, cases[i].body) != cases[i].status)
            fail_msg("%s %s: %d", cases[i].method, cases[i].path, answer.status);
    ask_unix("GET", "/api/v1/processes?limit=1000", NULL);
    json_t *list = raw_json(&answer);
    assert_int_equal(json_array_size(json_object_get(list, "items")), FAKE_PROCESSES / 2);
    json_decref(list);
    ask_unix("GET", "/api/v1/cgroups", NULL); /* only that of the odd ones */
    list = raw_json(&answer);
    assert_int_equal(json_array_size(json_object_get(list, "items")), 1);
    json_decref(list);
    ask_unix("GET", "/api/v1/status", NULL);
    json_t *status = raw_json(&answer);
    assert_non_null(json_object_get(status, "version"));
    assert_null(json_object_get(status, "store"));
    json_decref(status);
    become(0);
}

/* The status that a client gets from inside new namespaces; 0 when it cannot make them. */
static int ask_from_namespace(int flags)
{
    int fds[2], status = 0;
    assert_return_code(pipe(fds), errno);
    pid_t child = fork();
    if (child == 0) {
        if (unshare(flags) < 0)
            _exit(0);
        pid_t inner = fork(); /* a new pid namespace begins with the next child */
        if (inner == 0) {
            int got = ask_unix("GET", "/livez", NULL);
            if (write(fds[1], &got, sizeof(got)) < 0)
                _exit(1);
            _exit(0);
        }
        waitpid(inner, NULL, 0);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    close(fds[1]);
    if (read(fds[0], &status, sizeof(status)) < 0)
        status = 0;
    close(fds[0]);
    return status;
}

static void test_foreign_namespaces_get_nothing(void **state)
{
    (void)state;
    static const int flags[] = {CLONE_NEWUSER, CLONE_NEWPID};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        int status = ask_from_namespace(flags[i]);
        if (status == 0)
            print_message("SKIP: no namespace of kind %#x here\n", (unsigned)flags[i]);
        else
            assert_int_equal(status, 403);
    }
}

static void test_no_snapshot_yet(void **state)
{
    (void)state;
    head.no_snapshot = true;
    assert_int_equal(ask_unix("GET", "/livez", NULL), 200);
    assert_int_equal(ask_unix("GET", "/readyz", NULL), 503);
    assert_non_null(strstr(answer.body, "[-] no fast pass is done yet"));
    assert_int_equal(ask_unix("GET", "/api/v1/status", NULL), 503);
    assert_string_equal(problem_slug(), "not_ready");
    head.no_snapshot = false;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open_routes_need_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_security_headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_assets_have_tags, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_token_and_wrong_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_session, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_live_state_has_tags, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_processes_pages_hold_each_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_agent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ledger, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_verdict, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_census, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_least_headroom_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cgroups, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_names_stay_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_queries, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_actions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_event_window, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_bodies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_events, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rules, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pause, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_series, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_metrics, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_paths_and_methods, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_uid_sees_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_foreign_namespaces_get_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_snapshot_yet, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
