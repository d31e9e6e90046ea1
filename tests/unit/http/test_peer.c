/* SPDX-License-Identifier: MIT */
#include "http/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define DAEMON 990
#define ADMIN  77

static void test_rights(void **state)
{
    (void)state;
    static const struct {
        struct peer_facts facts;
        gid_t admin;
        bool refused, all;
    } cases[] = {
        {{.pid = 5, .uid = 0, .at_home = true}, ADMIN, false, true},
        {{.pid = 5, .uid = DAEMON, .at_home = true}, ADMIN, false, true},
        {{.pid = 5, .uid = 1000, .at_home = true}, ADMIN, false, false},
        {{.pid = 5, .uid = 1000, .group_count = 1, .groups = {ADMIN}, .at_home = true},
         ADMIN,
         false,
         true},
        {{.pid = 5, .uid = 1000, .group_count = 3, .groups = {5, 6, ADMIN}, .at_home = true},
         ADMIN,
         false,
         true},
        {{.pid = 5, .uid = 1000, .group_count = 2, .groups = {5, 6, ADMIN}, .at_home = true},
         ADMIN,
         false,
         false},
        {{.pid = 5, .uid = 1000, .group_count = 1, .groups = {(gid_t)-1}, .at_home = true},
         (gid_t)-1,
         false,
         false},
        {{.pid = 0, .uid = 0, .at_home = true}, ADMIN, true, false},
        {{.pid = 5, .uid = 0, .at_home = false}, ADMIN, true, false},
        {{.pid = 5, .uid = 65534, .at_home = true}, ADMIN, true, false},
        {{.pid = 5, .uid = DAEMON, .at_home = false}, ADMIN, true, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct peer peer;
        peer_judge(&cases[i].facts, DAEMON, cases[i].admin, &peer);
        if (peer.refused != cases[i].refused || peer.asker.all != cases[i].all)
            fail_msg("case %zu", i);
    }
}

static void test_text(void **state)
{
    (void)state;
    struct peer peer;
    struct peer_facts facts = {.pid = 5, .uid = 4294967294, .at_home = true};
    peer_judge(&facts, DAEMON, ADMIN, &peer);
    assert_string_equal(peer.asker.text, "uid 4294967294 (socket)");
    assert_int_equal(peer.asker.uid, 4294967294);
}

static void test_we_are_at_home(void **state)
{
    (void)state;
    struct peer_home home;
    struct peer_facts facts;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(peer_home_read(&home), 0);
    assert_true(home.pid_depth >= 1);
    assert_int_equal(peer_facts_read(fds[0], &home, &facts), 0);
    assert_int_equal(facts.pid, getpid());
    assert_int_equal(facts.uid, getuid());
    assert_int_equal(facts.groups[0], getgid());
    assert_true(facts.at_home);
    home.pid_depth++;
    assert_int_equal(peer_facts_read(fds[0], &home, &facts), 0);
    assert_false(facts.at_home);
    close(fds[0]);
    close(fds[1]);
}

static void test_no_socket(void **state)
{
    (void)state;
    struct peer_home home = {0};
    struct peer_facts facts;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_true(peer_facts_read(fds[0], &home, &facts) < 0);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_we_are_at_home),
        cmocka_unit_test(test_no_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
