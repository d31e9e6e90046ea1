/* SPDX-License-Identifier: MIT */
/* What clients must not be able to do: contradict themselves, be too large, too slow, too many. */
#include "fake_head.h"
#include "raw_client.h"

#include "base/clock.h"
#include "http/limits.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct fake_head head;
static struct raw_answer answer;

#define QUICK_USEC (300 * USEC_PER_MSEC)

static void be_quick(struct http_config *config)
{
    config->receive_usec = QUICK_USEC;
}

static int set_up(void **state)
{
    (void)state;
    fake_head_start(&head, NULL);
    return 0;
}

static int set_up_quick(void **state)
{
    (void)state;
    fake_head_start(&head, be_quick);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fake_head_stop(&head);
    return 0;
}

static void assert_alive(void)
{
    int fd = raw_connect_unix(head.path);
    assert_true(raw_send(fd, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"));
    raw_read(fd, &answer);
    assert_int_equal(answer.status, 200);
    close(fd);
}

/* Sends, and wants a 4xx and the end of the connection, or the end alone. */
static void assert_refused(const char *request, bool must_close)
{
    int fd = raw_connect_unix(head.path);
    raw_send(fd, request);
    raw_read(fd, &answer);
    if (answer.status != 0 && (answer.status < 400 || answer.status > 499))
        fail_msg("%.60s: %d", request, answer.status);
    if (must_close && !raw_closes(fd, 30000))
        fail_msg("%.60s: left open", request);
    close(fd);
}

static void test_malformed_requests(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "\r\n\r\n\r\n\r\nfoo\r\n\r\n",
        "GET\r\n\r\n",
        "GET /livez HTTP/1.1\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "POST /api/v1/pause HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: "
        "2\r\n\r\n{}",
        "POST /api/v1/pause HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: "
        "2\r\n\r\n{}",
        "POST /api/v1/pause HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /api/v1/pause HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
        "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "POST /api/v1/pause HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST /api/v1/pause HTTP/1.1\r\nHost: a\r\nContent-Length: 1x\r\n\r\n",
        "POST /api/v1/pause HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /api/v1/pause HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    };
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        assert_refused(requests[i], false);
    assert_alive();
}

/* Whoever is told two lengths must not get a second answer out of the rest. */
static void test_smuggling_ends_the_connection(void **state)
{
    (void)state;
    assert_refused("POST /api/v1/pause HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nHost: "
                   "a\r\n\r\n",
                   true);
    assert_int_equal(answer.status, 400);
    assert_refused("POST /api/v1/pause HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
                   "Content-Length: 40\r\n\r\n{}",
                   true);
    assert_refused("GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", true);
    assert_int_equal(answer.status, 400);
}

static void test_large_headers(void **state)
{
    (void)state;
    static char request[1 << 17];
    static const size_t sizes[] = {17 << 10, 24 << 10, 31 << 10, 40 << 10, 100 << 10};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        int length = snprintf(request, sizeof(request), "GET /livez HTTP/1.1\r\nHost: a\r\nX: ");
        memset(request + length, 'x', sizes[i]);
        snprintf(request + length + sizes[i], 8, "\r\n\r\n");
        assert_refused(request, true);
        length = snprintf(request, sizeof(request), "GET /");
        memset(request + length, 'x', sizes[i]);
        snprintf(request + length + sizes[i], 40, " HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_refused(request, true);
    }
    int length = snprintf(request, sizeof(request), "GET /livez HTTP/1.1\r\nHost: a\r\nX: ");
    memset(request + length, 'x', 12 << 10);
    snprintf(request + length + (12 << 10), 8, "\r\n\r\n");
    int fd = raw_connect_unix(head.path);
    raw_send(fd, request);
    raw_read(fd, &answer);
    assert_int_equal(answer.status, 200);
    close(fd);
    assert_alive();
}

static void test_large_bodies(void **state)
{
    (void)state;
    static char request[1 << 18];
    assert_refused("POST /api/v1/pause HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                   "Content-Length: 65537\r\n\r\n",
                   false);
    assert_int_equal(answer.status, 413);
    int length = snprintf(request, sizeof(request),
                          "POST /api/v1/pause HTTP/1.1\r\nHost: a\r\n"
                          "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "20000\r\n");
    memset(request + length, ' ', 0x20000);
    snprintf(request + length + 0x20000, 16, "\r\n0\r\n\r\n");
    assert_refused(request, false);
    assert_int_equal(answer.status, 413);
    /* The largest that is allowed, by its length and by chunks. */
    length = snprintf(request, sizeof(request),
                      "POST /api/v1/pause HTTP/1.1\r\nHost: a\r\n"
                      "Content-Type: application/json\r\nContent-Length: 65536\r\n\r\n{}");
    memset(request + length, ' ', HTTP_BODY_BYTES - 2);
    request[(size_t)length + HTTP_BODY_BYTES - 2] = '\0';
    int fd = raw_connect_unix(head.path);
    raw_send(fd, request);
    raw_read(fd, &answer);
    assert_int_equal(answer.status, 200);
    close(fd);
    assert_alive();
}

/* A byte now and then never lets the idle timeout run out; the absolute one does. */
static void dribble(const char *start)
{
    int fd = raw_connect_unix(head.path);
    raw_send(fd, start);
    uint64_t until = clock_mono_usec() + 8 * USEC_PER_SEC; /* below the 10 s of the idle timeout */
    bool closed = false;
    while (!closed && clock_mono_usec() < until) {
        raw_send(fd, "x");
        closed = raw_closes(fd, 20);
    }
    assert_true(closed);
    close(fd);
}

static void test_dribbling_is_cut(void **state)
{
    (void)state;
    dribble("");
    dribble("GET /livez HTTP/1.1\r\nHost: a\r\nX: ");
    dribble("POST /api/v1/pause HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            "Content-Length: 60000\r\n\r\n{");
    assert_alive();
}

/* One request after the other on one connection; false when it was cut before so much time. A cut
 * is fair only behind a pause of ours that was longer than the deadline: a busy machine. */
static bool lives_on(uint64_t usec)
{
    int fd = raw_connect_unix(head.path);
    uint64_t begun = clock_mono_usec(), before = begun;
    while (before < begun + usec) {
        bool sent = raw_send(fd, "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n");
        raw_read(fd, &answer);
        uint64_t now = clock_mono_usec();
        if (!sent || answer.status == 0) {
            assert_true(now - before >= QUICK_USEC);
            close(fd);
            return false;
        }
        assert_int_equal(answer.status, 200);
        usleep(20000);
        before = now;
    }
    close(fd);
    return true;
}

/* The deadline is for one request, not for the life of the connection. */
static void test_kept_connections_live_on(void **state)
{
    (void)state;
    uint64_t until = clock_mono_usec() + 60 * USEC_PER_SEC;
    while (!lives_on(3 * QUICK_USEC))
        assert_true(clock_mono_usec() < until);
}

static void test_a_full_socket_does_not_shut_out_the_other(void **state)
{
    (void)state;
    int fds[HTTP_CONNECTIONS];
    for (size_t i = 0; i < HTTP_CONNECTIONS; i++) {
        fds[i] = raw_connect_unix(head.path);
        assert_true(raw_send(fds[i], "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"));
        raw_read(fds[i], &answer);
        assert_int_equal(answer.status, 200);
    }
    int tcp = raw_connect_tcp(head.port), late = raw_connect_unix(head.path);
    char request[128];
    snprintf(request, sizeof(request), "GET /livez HTTP/1.1\r\nHost: localhost:%u\r\n\r\n",
             head.port);
    assert_true(raw_send(tcp, request));
    raw_read(tcp, &answer);
    assert_int_equal(answer.status, 200);
    /* One more waits for a place; it gets the first that is free. */
    assert_true(raw_send(late, "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"));
    struct pollfd waiting = {.fd = late, .events = POLLIN};
    assert_int_equal(poll(&waiting, 1, 50), 0);
    close(fds[0]);
    raw_read(late, &answer);
    assert_int_equal(answer.status, 200);
    for (size_t i = 1; i < HTTP_CONNECTIONS; i++)
        close(fds[i]);
    close(late);
    close(tcp);
}

static void test_one_address_gets_so_many(void **state)
{
    (void)state;
    int fds[HTTP_CONNECTIONS_PER_IP];
    char request[128];
    snprintf(request, sizeof(request), "GET /livez HTTP/1.1\r\nHost: [::1]:%u\r\n\r\n", head.port);
    for (size_t i = 0; i < HTTP_CONNECTIONS_PER_IP; i++) {
        fds[i] = raw_connect_tcp(head.port);
        assert_true(raw_send(fds[i], request));
        raw_read(fds[i], &answer);
        assert_int_equal(answer.status, 200);
    }
    int more = raw_connect_tcp(head.port);
    raw_send(more, request);
    raw_read(more, &answer);
    assert_int_equal(answer.status, 0);
    close(more);
    for (size_t i = 0; i < HTTP_CONNECTIONS_PER_IP; i++)
        close(fds[i]);
}

/* As many at once as one address may, none of which waits for the head; how many are too many. */
static int changes_at_once(const char *request)
{
    int fds[HTTP_CONNECTIONS_PER_IP], refused = 0;
    for (size_t i = 0; i < HTTP_CONNECTIONS_PER_IP; i++) {
        fds[i] = raw_connect_tcp(head.port);
        raw_send(fds[i], request);
    }
    for (size_t i = 0; i < HTTP_CONNECTIONS_PER_IP; i++) {
        raw_read(fds[i], &answer); /* 0: one of those before has still its place */
        assert_true(answer.status == 415 || answer.status == 429 || answer.status == 0);
        if (answer.status == 429)
            assert_string_equal(raw_header(&answer, "Retry-After"), "1");
        refused += answer.status == 429;
        close(fds[i]);
    }
    return refused;
}

/* One after the other they may be few enough, where each waits for a processor. */
static void test_too_many_changes(void **state)
{
    (void)state;
    char request[256];
    snprintf(request, sizeof(request),
             "POST /api/v1/actions HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
             "Authorization: Bearer " FAKE_TOKEN "\r\nContent-Length: 0\r\n\r\n",
             head.port);
    uint64_t until = clock_mono_usec() + 60 * USEC_PER_SEC;
    while (changes_at_once(request) == 0)
        assert_true(clock_mono_usec() < until);
}

/* Requests that are nearly right, made by a fixed random walk: never a crash, always an answer. */
static void test_random_damage(void **state)
{
    (void)state;
    static const char good[] =
        "POST /api/v1/actions?wait=1ms HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        "Content-Length: 40\r\nCookie: memtend_session=a; b=c\r\n\r\n"
        "{\"target\":\"pid:100\",\"steps\":[\"collect\"]}";
    unsigned seed = 7;
    for (int round = 0; round < 1000; round++) {
        char request[sizeof(good)];
        memcpy(request, good, sizeof(good));
        for (int damage = 0; damage < 3; damage++) {
            size_t at = (size_t)rand_r(&seed) % (sizeof(good) - 1);
            request[at] = (char)(rand_r(&seed) % 255 + 1);
        }
        int fd = raw_connect_unix(head.path);
        raw_send(fd, request);
        /* Some wait for more than will come: those see our end first. */
        raw_closes(fd, 2);
        close(fd);
    }
    assert_alive();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_malformed_requests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_smuggling_ends_the_connection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_large_headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_large_bodies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dribbling_is_cut, set_up_quick, tear_down),
        cmocka_unit_test_setup_teardown(test_kept_connections_live_on, set_up_quick, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_socket_does_not_shut_out_the_other, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_one_address_gets_so_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_many_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_random_damage, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
