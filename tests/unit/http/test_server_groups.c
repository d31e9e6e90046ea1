/* SPDX-License-Identifier: MIT */
/* Groups over the real server: pages, one group, a unit as a whole, other users, bad questions. */
#include "fake_head.h"
#include "raw_client.h"

#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

static struct fake_head head;
static struct raw_answer answer;

static int ask(const char *path)
{
    char request[1024];
    int fd = raw_connect_unix(head.path);
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    assert_true(raw_send(fd, request));
    raw_read(fd, &answer);
    close(fd);
    return answer.status;
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

static void test_groups_pages_hold_each_once(void **state)
{
    (void)state;
    static const char *const sorts[] = {"rss",  "name",     "pss_bytes",
                                        "came", "headroom", "went_peak_sum_bytes"};
    for (size_t s = 0; s < sizeof(sorts) / sizeof(sorts[0]); s++) {
        size_t count = 0;
        char path[512], cursor[256] = "", seen[2048] = "";
        do {
            snprintf(path, sizeof(path), "/api/v1/groups?limit=3&sort=%s%s%s", sorts[s],
                     *cursor ? "&cursor=" : "", cursor);
            assert_int_equal(ask(path), 200);
            assert_true(text_is_clean(answer.body));
            json_t *list = raw_json(&answer), *item;
            size_t i;
            json_array_foreach(json_object_get(list, "items"), i, item)
            {
                const char *name = json_string_value(json_object_get(item, "name"));
                assert_null(strstr(seen, name));
                strncat(seen, name, sizeof(seen) - strlen(seen) - 1);
                count++;
            }
            const char *next = json_string_value(json_object_get(list, "next_cursor"));
            snprintf(cursor, sizeof(cursor), "%s", next ? next : "");
            json_decref(list);
        } while (*cursor);
        assert_int_equal(count, FAKE_GROUPS - 1);
    }
}

static void test_one_group(void **state)
{
    (void)state;
    static const char *const paths[] = {"/api/v1/groups/plain:web",
                                        "/api/v1/groups/group:plain:web",
                                        "/api/v1/groups/plain%3aweb?limit=5"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_int_equal(ask(paths[i]), 200);
        json_t *group = raw_json(&answer);
        json_t *processes = json_object_get(group, "processes");
        assert_string_equal(json_string_value(json_object_get(group, "kind")), "prefork");
        assert_int_equal(json_integer_value(json_object_get(group, "members")), 2);
        assert_int_equal(json_array_size(processes), 2);
        json_t *process = json_array_get(processes, 0);
        assert_string_equal(json_string_value(json_object_get(process, "group")), "plain:web");
        assert_null(json_object_get(group, "pss_bytes")); /* of no member is it known */
        json_decref(group);
    }
    assert_int_equal(ask("/api/v1/groups/was"), 200);
    json_t *gone = raw_json(&answer);
    assert_int_equal(json_integer_value(json_object_get(gone, "members")), 0);
    assert_int_equal(json_integer_value(json_object_get(gone, "went")), 8);
    json_decref(gone);
    /* A unit goes through the groups. */
    assert_int_equal(ask("/api/v1/groups/unit:web.service?limit=3"), 200);
    json_t *unit = raw_json(&answer);
    assert_int_equal(json_array_size(json_object_get(unit, "processes")), 3);
    assert_true(json_integer_value(json_object_get(unit, "members")) > 3);
    assert_null(json_object_get(unit, "came")); /* nobody has counted that */
    assert_true(json_is_null(json_object_get(unit, "uid")));
    json_decref(unit);
}

static void test_bad_questions_about_groups(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int status;
    } cases[] = {
        {"/api/v1/groups?limit=0", 422},
        {"/api/v1/groups?sort=cpu", 422},
        {"/api/v1/groups?sort=", 422},
        {"/api/v1/groups?cursor=abc", 422},
        {"/api/v1/groups?cursor=x_0a1", 422},
        {"/api/v1/groups?cursor=v_6161", 422},
        {"/api/v1/groups?q=a&q=b", 422},
        {"/api/v1/groups/nobody", 404},
        {"/api/v1/groups/unit:none.service", 404},
        {"/api/v1/groups/", 404},
        {"/api/v1/groups/plain:web?sort=rss", 422},
        {"/api/v1/groups?q=PREFORK", 200},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (ask(cases[i].path) != cases[i].status)
            fail_msg("%s: %d", cases[i].path, answer.status);
}

static void test_other_uid_sees_its_own(void **state)
{
    (void)state;
    if (getuid() != 0) {
        print_message("SKIP: only root can play another user\n");
        skip();
    }
    assert_return_code((int)syscall(SYS_setresuid, -1, FAKE_OTHER_UID, -1), errno);
    assert_int_equal(ask("/api/v1/groups"), 200);
    json_t *list = raw_json(&answer);
    assert_int_equal(json_array_size(json_object_get(list, "items")), 0);
    json_decref(list);
    assert_int_equal(ask("/api/v1/groups/plain:web"), 403);
    assert_int_equal(ask("/api/v1/groups/unit:web.service"), 200);
    json_t *unit = raw_json(&answer);
    assert_int_equal(json_integer_value(json_object_get(unit, "uid")), FAKE_OTHER_UID);
    json_decref(unit);
    assert_return_code((int)syscall(SYS_setresuid, -1, 0, -1), errno);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_groups_pages_hold_each_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_questions_about_groups, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_uid_sees_its_own, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
