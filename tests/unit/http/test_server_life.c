/* SPDX-License-Identifier: MIT */
/* Suspended requests: late, abandoned, refused, and a server that stops under them. */
#include "fake_head.h"
#include "raw_client.h"

#include "base/clock.h"
#include "http/limits.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct fake_head head;
static struct raw_answer answer;

#define ASK_EVENTS "GET /api/v1/events HTTP/1.1\r\nHost: a\r\n\r\n"

static void be_impatient(struct http_config *config)
{
    config->answer_usec = 50 * USEC_PER_MSEC; /* and the grace of HTTP_GRACE_USEC */
}

static int set_up(void **state)
{
    (void)state;
    fake_head_start(&head, NULL);
    return 0;
}

static int set_up_impatient(void **state)
{
    (void)state;
    fake_head_start(&head, be_impatient);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fake_head_stop(&head);
    return 0;
}

static void ask(int fd, int status)
{
    assert_true(raw_send(fd, ASK_EVENTS));
    raw_read(fd, &answer);
    assert_int_equal(answer.status, status);
}

static void test_answers_find_their_clients(void **state)
{
    (void)state;
    int fds[20];
    head.hold = true;
    for (int i = 0; i < 20; i++) {
        char request[512], body[64];
        snprintf(body, sizeof(body), "{\"kind\":\"deploy\",\"text\":\"number %02d\"}", i);
        snprintf(request, sizeof(request),
                 "POST /api/v1/events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                 "Content-Length: %zu\r\n\r\n%s",
                 strlen(body), body);
        fds[i] = raw_connect_unix(head.path);
        assert_true(raw_send(fds[i], request));
    }
    fake_head_wait_seen(&head, 20);
    head.hold = false; /* the last is answered first */
    for (int i = 0; i < 20; i++) {
        char wanted[32];
        raw_read(fds[i], &answer);
        assert_int_equal(answer.status, 201);
        snprintf(wanted, sizeof(wanted), "number %02d", i);
        assert_non_null(strstr(answer.body, wanted));
        close(fds[i]);
    }
}

static void test_late_answers_are_dropped(void **state)
{
    (void)state;
    head.hold = true;
    int fd = raw_connect_unix(head.path);
    ask(fd, 503);
    assert_non_null(strstr(answer.body, "urn:memtend:problem:timeout"));
    head.hold = false;
    ask(fd, 200); /* the same connection, a new command */
    close(fd);
}

static void test_clients_leave_while_they_wait(void **state)
{
    (void)state;
    head.hold = true;
    for (int i = 0; i < 30; i++) {
        int fd = raw_connect_unix(head.path);
        assert_true(raw_send(fd, ASK_EVENTS));
        fake_head_wait_seen(&head, i + 1);
        close(fd);
    }
    head.hold = false;
    int fd = raw_connect_unix(head.path);
    ask(fd, 200);
    close(fd);
}

/* Every place is taken by clients that left; the deadline gives the places back. */
static void test_abandoned_places_come_back(void **state)
{
    (void)state;
    head.hold = true;
    for (int i = 0; i < HTTP_CONNECTIONS; i++) {
        int fd = raw_connect_unix(head.path);
        assert_true(raw_send(fd, ASK_EVENTS));
        fake_head_wait_seen(&head, i + 1);
        close(fd);
    }
    int fd = raw_connect_unix(head.path);
    assert_true(raw_send(fd, "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"));
    raw_read(fd, &answer);
    assert_int_equal(answer.status, 200);
    close(fd);
}

static void test_a_full_loop_is_said(void **state)
{
    (void)state;
    head.full = true;
    int fd = raw_connect_unix(head.path);
    ask(fd, 503);
    assert_string_equal(raw_header(&answer, "Retry-After"), "1");
    head.full = false;
    ask(fd, 200);
    close(fd);
}

/* A head that never answers must not make commands pile up without end. */
static void test_commands_on_their_way_are_bounded(void **state)
{
    (void)state;
    head.hold = true;
    int taken = 0, status = 0;
    uint64_t until = clock_mono_usec() + 40 * USEC_PER_SEC;
    while (status != 503 && clock_mono_usec() < until) {
        int fds[HTTP_CONNECTIONS];
        for (int i = 0; i < HTTP_CONNECTIONS; i++) {
            fds[i] = raw_connect_unix(head.path);
            assert_true(raw_send(fds[i], ASK_EVENTS));
        }
        for (int i = 0; i < HTTP_CONNECTIONS; i++) {
            raw_read(fds[i], &answer);
            bool full = strstr(answer.body, "problem:unavailable") != NULL;
            status = full ? answer.status : status;
            taken += !full;
            close(fds[i]);
        }
    }
    assert_int_equal(status, 503);
    assert_int_equal(taken, HTTP_PENDING);
    assert_int_equal(head.seen, HTTP_PENDING);
    head.hold = false;
}

static void test_stop_with_waiting_clients(void **state)
{
    (void)state;
    int fds[10];
    fake_head_start(&head, NULL);
    head.hold = true;
    for (int i = 0; i < 10; i++) {
        fds[i] = raw_connect_unix(head.path);
        assert_true(raw_send(fds[i], ASK_EVENTS));
    }
    fake_head_wait_seen(&head, 10);
    close(fds[9]);
    http_stop(head.http);
    for (int i = 0; i < 9; i++) {
        raw_read(fds[i], &answer);
        assert_int_equal(answer.status, 503);
        assert_non_null(strstr(answer.body, "urn:memtend:problem:stopping"));
        assert_true(raw_closes(fds[i], 10000));
        close(fds[i]);
    }
    fake_head_stop(&head); /* the held commands are answered to nobody */
}

static void test_stop_with_half_a_request(void **state)
{
    (void)state;
    fake_head_start(&head, NULL);
    int fd = raw_connect_unix(head.path);
    assert_true(raw_send(fd, "POST /api/v1/pause HTTP/1.1\r\nHost: a\r\nContent-Le"));
    http_stop(head.http);
    assert_true(raw_closes(fd, 10000));
    close(fd);
    fake_head_stop(&head);
}

static void test_start_and_stop_again_and_again(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        fake_head_start(&head, NULL);
        fake_head_stop(&head);
    }
}

static void test_bad_configurations(void **state)
{
    (void)state;
    struct http_ops ops = {0};
    struct http *http = NULL;
    struct http_config none = {.tcp_fd = -1, .unix_fd = -1, .token = FAKE_TOKEN};
    struct http_config open = {.tcp_fd = 0, .unix_fd = -1};
    struct http_config empty = {.tcp_fd = 0, .unix_fd = -1, .token = ""};
    struct http_config broken = {.tcp_fd = 999, .unix_fd = -1, .token = FAKE_TOKEN};
    assert_int_equal(http_new(&none, &ops, &http), -EINVAL);
    assert_int_equal(http_new(&open, &ops, &http), -EINVAL);
    assert_int_equal(http_new(&empty, &ops, &http), -EINVAL);
    assert_int_equal(http_new(&broken, &ops, &http), -EBADF);
    assert_null(http);
    http_free(NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers_find_their_clients, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_late_answers_are_dropped, set_up_impatient, tear_down),
        cmocka_unit_test_setup_teardown(test_clients_leave_while_they_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_abandoned_places_come_back, set_up_impatient,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_loop_is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_commands_on_their_way_are_bounded, set_up_impatient,
                                        tear_down),
        cmocka_unit_test(test_stop_with_waiting_clients),
        cmocka_unit_test(test_stop_with_half_a_request),
        cmocka_unit_test(test_start_and_stop_again_and_again),
        cmocka_unit_test(test_bad_configurations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
