/* SPDX-License-Identifier: MIT */
/* Episodes of waiting for memory, and the trigger of the real kernel. */
#include "engine/pressure_watch.h"

#include "base/clock.h"
#include "collect/pressure_trigger.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define SEC USEC_PER_SEC

static void one_sign_is_one_episode(void **state)
{
    (void)state;
    struct pressure_episode episode = {0};
    uint64_t now = 500 * SEC;
    assert_int_equal(pressure_episode_on(&episode, false, now), PRESSURE_AS_BEFORE);
    assert_int_equal(pressure_episode_on(&episode, true, now), PRESSURE_BEGUN);
    assert_int_equal(pressure_episode_on(&episode, true, now), PRESSURE_AS_BEFORE);
    for (int i = 1; i < 60; i++)
        assert_int_equal(pressure_episode_on(&episode, false, now + (uint64_t)i * SEC),
                         PRESSURE_AS_BEFORE);
    assert_int_equal(pressure_episode_on(&episode, false, now + 60 * SEC), PRESSURE_OVER);
    assert_int_equal(pressure_episode_on(&episode, false, now + 61 * SEC), PRESSURE_AS_BEFORE);
    assert_int_equal(episode.last_usec - episode.begun_usec, 0);
    assert_int_equal(pressure_episode_on(&episode, true, now + 61 * SEC), PRESSURE_BEGUN);
}

static void a_long_one_ends_soon_after_its_last_sign(void **state)
{
    (void)state;
    struct pressure_episode episode = {0};
    for (uint64_t i = 0; i < 300; i += 2)
        assert_int_equal(pressure_episode_on(&episode, true, (1000 + i) * SEC),
                         i == 0 ? PRESSURE_BEGUN : PRESSURE_AS_BEFORE);
    assert_int_equal(pressure_episode_on(&episode, false, 1307 * SEC), PRESSURE_AS_BEFORE);
    assert_int_equal(pressure_episode_on(&episode, false, 1308 * SEC), PRESSURE_OVER);
    assert_int_equal(episode.last_usec - episode.begun_usec, 298 * SEC);
}

/* However the signs come: never two beginnings within a minute, and each has its end. */
static void at_most_one_a_minute(void **state)
{
    (void)state;
    struct pressure_episode episode = {0};
    uint64_t last = 0;
    int begun = 0, over = 0;
    uint32_t random = 1;
    for (uint64_t now = 100 * SEC; now < 100000 * SEC; now += SEC) {
        random = random * 1103515245 + 12345;
        enum pressure_change change = pressure_episode_on(&episode, (random >> 16) % 13 == 0, now);
        if (change == PRESSURE_BEGUN) {
            assert_true(begun == 0 || now - last >= 60 * SEC);
            last = now;
            begun++;
        }
        over += change == PRESSURE_OVER;
    }
    assert_true(begun > 100);
    assert_true(begun - over <= 1);
}

/* What the kernel refuses is an error, not a trigger that never comes. */
static void the_kernel_takes_or_refuses(void **state)
{
    (void)state;
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;
    assert_true(proc >= 0);
    const struct pressure_trigger fits = {.stall_usec = 150000, .window_usec = 2 * SEC};
    int r = pressure_trigger_open(proc, &fits, &fd);
    if (r < 0) {
        assert_int_equal(fd, -1);
        print_message("no trigger here: %d\n", r);
    } else {
        struct pollfd poll_fd = {.fd = fd, .events = POLLPRI};
        assert_true(poll(&poll_fd, 1, 0) >= 0);
        assert_false(poll_fd.revents & POLLERR);
        close(fd);
    }
    const struct pressure_trigger longer = {.stall_usec = 3 * SEC, .window_usec = 2 * SEC};
    assert_true(pressure_trigger_open(proc, &longer, &fd) < 0);
    int nowhere = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(pressure_trigger_open(nowhere, &fits, &fd), -ENOENT);
    close(nowhere);
    close(proc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_sign_is_one_episode),
        cmocka_unit_test(a_long_one_ends_soon_after_its_last_sign),
        cmocka_unit_test(at_most_one_a_minute),
        cmocka_unit_test(the_kernel_takes_or_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
