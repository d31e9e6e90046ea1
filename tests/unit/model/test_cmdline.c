/* SPDX-License-Identifier: MIT */
#include "model/cmdline.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REPLACED "\xEF\xBF\xBD"

/* A command line as one literal: "a\0b" has its last NUL from the compiler. */
#define LINE(text) text, sizeof(text)

struct redact_case {
    const char *bytes;
    size_t length;
    const char *expected;
};

static void check(const struct redact_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char text[256];
        size_t length = cmdline_redact(cases[i].bytes, cases[i].length, text, sizeof(text));
        assert_string_equal(text, cases[i].expected);
        assert_int_equal(length, strlen(text));
    }
}

#define CHECK(cases) check(cases, sizeof(cases) / sizeof((cases)[0]))

static void test_full_joins_and_cleans(void **state)
{
    (void)state;
    char text[64];
    static const char line[] = "python3\0a b\0\0\n\x1b\xff\0";
    size_t length = cmdline_full(line, sizeof(line), text, sizeof(text));
    assert_int_equal(length, strlen(text));
    assert_string_equal(text, "python3 a b  " REPLACED REPLACED REPLACED);
    assert_int_equal(cmdline_full("", 0, text, sizeof(text)), 0);
    assert_string_equal(text, "");
    assert_int_equal(cmdline_full("\0\0\0", 3, text, sizeof(text)), 0);
}

static void test_full_keeps_secrets_and_its_room(void **state)
{
    (void)state;
    static const char line[] = "app\0--password=hunter2";
    for (size_t size = 1; size < 32; size++) {
        char *text = malloc(size); /* exact, so that the sanitizers see one byte too far */
        assert_non_null(text);
        size_t length = cmdline_full(line, sizeof(line), text, size);
        assert_true(length < size);
        assert_memory_equal(text, "app --password=hunter2", length);
        assert_int_equal(text[length], '\0');
        free(text);
    }
}

static void test_options_and_variables(void **state)
{
    (void)state;
    static const struct redact_case cases[] = {
        {LINE("app\0--password=hunter2"), "app --password=***"},
        {LINE("app\0--password=my long phrase\0-v"), "app --password=*** -v"},
        {LINE("app\0--token\0abc def\0-v"), "app --token *** -v"},
        {LINE("app\0--token\0-abc"), "app --token ***"},
        {LINE("app\0--no-auth\0--port\0"
              "80"),
         "app --no-auth --port 80"},
        {LINE("app\0-secret\0x"), "app -secret ***"},
        {LINE("env\0DB_PASSWORD=x\0API_KEY=y\0LANG=C"), "env DB_PASSWORD=*** API_KEY=*** LANG=C"},
        {LINE("app\0--env=AWS_SECRET_ACCESS_KEY=x"), "app --env=AWS_SECRET_ACCESS_KEY=***"},
        {LINE("java\0-Dspring.datasource.password=x"), "java -Dspring.datasource.password=***"},
        {LINE("app\0--opt=a,password=x,b=1"), "app --opt=a,password=***"},
        {LINE("app\0--PASSWD=x"), "app --PASSWD=***"},
        {LINE("app\0--password="), "app --password="},
        {LINE("app\0--password"), "app --password"},
    };
    CHECK(cases);
}

static void test_inside_shells_and_titles(void **state)
{
    (void)state;
    static const struct redact_case cases[] = {
        {LINE("sh\0-c\0app --password=x -v && b"), "sh -c app --password=*** -v && b"},
        {LINE("sh\0-c\0app --token 'a b' -v"), "sh -c app --token *** -v"},
        {LINE("gunicorn: worker [x] --password=foo -v"), "gunicorn: worker [x] --password=*** -v"},
        {LINE("sh\0-c\0mysql -pX db"), "sh -c mysql -p*** db"},
        {LINE("sudo\0mysql\0-pX\0-uroot"), "sudo mysql -p*** -uroot"},
    };
    CHECK(cases);
}

static void test_json_and_headers(void **state)
{
    (void)state;
    static const struct redact_case cases[] = {
        {LINE("curl\0-H\0Authorization: Bearer abc\0x"), "curl -H Authorization: *** x"},
        {LINE("app\0{\"password\": \"a b\", \"n\": 1}"), "app {\"password\": ***, \"n\": 1}"},
        {LINE("app\0{\"token\":\"x\",\"n\":1}"), "app {\"token\":***,\"n\":1}"},
        {LINE("app\0{\"token\":\"x\\\"y\",\"n\":1}"), "app {\"token\":***,\"n\":1}"},
        {LINE("sh\0-c\0app --token 'a'\"b\"; x"), "sh -c app --token ***; x"},
        {LINE("app\0secret:abc"), "app secret:***"},
    };
    CHECK(cases);
}

static void test_urls(void **state)
{
    (void)state;
    static const struct redact_case cases[] = {
        {LINE("app\0postgres://u:p@ss@h:5432/db"), "app postgres://u:***@h:5432/db"},
        {LINE("app\0redis://:pw@h"), "app redis://:***@h"},
        {LINE("app\0--url=http://u:p@h/x"), "app --url=http://u:***@h/x"},
        {LINE("app\0http://h:80/?a=1&token=q&z=2"), "app http://h:80/?a=1&token=***"},
        {LINE("app\0git@github.com:a/b.git"), "app git@github.com:a/b.git"},
        {LINE("app\0u:pw@host"), "app u:***@host"},
        {LINE("app\0http://127.0.0.1:8080/x"), "app http://127.0.0.1:8080/x"},
    };
    CHECK(cases);
}

static void test_short_options_of_known_programs(void **state)
{
    (void)state;
    static const struct redact_case cases[] = {
        {LINE("/usr/bin/mysql\0-psecret1\0-u\0root"), "/usr/bin/mysql -p*** *** root"},
        {LINE("mysqldump\0-pX\0db"), "mysqldump -p*** db"},
        {LINE("mysql\0-p\0db"), "mysql -p db"},
        {LINE("redis-cli\0-a\0pw\0get"), "redis-cli -a *** get"},
        {LINE("curl\0-u\0me:pw\0http://h"), "curl -u *** http://h"},
        {LINE("ssh\0-p\0"
              "22"),
         "ssh -p 22"},
    };
    CHECK(cases);
}

static void test_random_strings(void **state)
{
    (void)state;
    static const struct redact_case cases[] = {
        {LINE("app\0"
              "0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
         "app ***"},
        {LINE("app\0--id=550e8400-e29b-41d4-a716-446655440000"), "app --id=***"},
        {LINE("app\0wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE3y"), "app ***"},
        {LINE("app\0ghp_abcdefghijklmnopqrstuvwx"), "app ***"},
        {LINE("app\0AKIAIOSFODNNEXAMPLE"), "app ***"},
        /* Names, dates, versions and flags are none. */
        {LINE("app\0-XX:+HeapDumpOnOutOfMemoryError"), "app -XX:+HeapDumpOnOutOfMemoryError"},
        {LINE("app\0/var/log/gc-2024-01-02T10.log"), "app /var/log/gc-2024-01-02T10.log"},
        {LINE("app\0my-very-long-service-name-v2"), "app my-very-long-service-name-v2"},
        {LINE("app\0"
              "12345678901234567890123"),
         "app 12345678901234567890123"},
        {LINE("app\0/usr/lib/python3.11/site-packages/x"),
         "app /usr/lib/python3.11/site-packages/x"},
    };
    CHECK(cases);
}

static void test_program_and_script_stay(void **state)
{
    (void)state;
    static const struct redact_case cases[] = {
        {LINE("python3\0/srv/auth/token=1.py\0KEY=1"), "python3 /srv/auth/token=1.py KEY=***"},
        {LINE("python3\0-m\0auth.secret\0x"), "python3 -m auth.secret x"},
        {LINE("/usr/bin/python3.11\0-Wignore\0-X\0dev\0--\0password=x.py"),
         "/usr/bin/python3.11 -Wignore -X dev -- password=x.py"},
        {LINE("python3\0-Imauth.secret\0x"), "python3 -Imauth.secret x"},
        {LINE("bash\0-e\0/opt/a.sh\0--key=x"), "bash -e /opt/a.sh --key=***"},
        {LINE("python3\0-c\0password='x'; run()"), "python3 -c password=***; run()"},
        {LINE("bash\0-x\0/opt/0a1b2c3d4e5f60718293a4b5c6d7e8f9/run.sh"),
         "bash -x /opt/0a1b2c3d4e5f60718293a4b5c6d7e8f9/run.sh"},
        {LINE("/opt/0a1b2c3d4e5f60718293a4b5c6d7e8f9/bin\0-v"),
         "/opt/0a1b2c3d4e5f60718293a4b5c6d7e8f9/bin -v"},
        {LINE("gunicorn\0auth:app\0--bind\0:8080"), "gunicorn auth:app --bind :8080"},
        {LINE("pythonic\0password=x"), "pythonic password=***"},
    };
    CHECK(cases);
}

static void test_hostile_bytes(void **state)
{
    (void)state;
    static const struct redact_case cases[] = {
        {LINE("a\nb\0\x1b[31m\0\xff"), "a" REPLACED "b " REPLACED "[31m " REPLACED},
        {"app", 3, "app"}, /* no NUL at all */
        {"", 0, ""},
        {"\0\0", 2, ""},
        {"\0=\0:", 4, " = :"},
        {"=:@", 3, "=:@"},
        {LINE("a\0=\0:\0@\0-\0--\0\"\0'"), "a = : @ - -- \" '"},
    };
    CHECK(cases);
}

/* Any bytes: ends, fits, is clean; a password given as one is never shown. */
static void test_random_bytes(void **state)
{
    (void)state;
    static const char alphabet[] = "aZ9 \0=:@/-_'\"\n\xff{}&?.,sh+";
    unsigned seed = 7;
    for (int round = 0; round < 20000; round++) {
        char bytes[96], text[64];
        for (size_t i = 0; i < sizeof(bytes); i++) {
            seed = seed * 1103515245u + 12345u;
            bytes[i] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
        }
        static const char secret[] = "\0--password=Hunter2Hunter2\0";
        memcpy(bytes + 40, secret, sizeof(secret));
        size_t length = cmdline_redact(bytes, sizeof(bytes), text, sizeof(text));
        assert_true(length < sizeof(text));
        assert_int_equal(strlen(text), length);
        assert_true(text_is_clean(text));
        assert_null(strstr(text, "Hunter2"));
    }
}

static void test_long_lines(void **state)
{
    (void)state;
    size_t size = 200000;
    char *bytes = malloc(size), text[256];
    assert_non_null(bytes);
    memset(bytes, 'x', size);
    memcpy(bytes, "app\0--key=", 10);
    cmdline_redact(bytes, size, text, sizeof(text));
    assert_string_equal(text, "app --key=***");
    for (size_t i = 4; i < size; i++)
        bytes[i] = i % 2 ? '\0' : '-';
    assert_int_equal(cmdline_redact(bytes, size, text, sizeof(text)), sizeof(text) - 1);
    free(bytes);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_joins_and_cleans),
        cmocka_unit_test(test_full_keeps_secrets_and_its_room),
        cmocka_unit_test(test_options_and_variables),
        cmocka_unit_test(test_inside_shells_and_titles),
        cmocka_unit_test(test_json_and_headers),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_short_options_of_known_programs),
        cmocka_unit_test(test_random_strings),
        cmocka_unit_test(test_program_and_script_stay),
        cmocka_unit_test(test_hostile_bytes),
        cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_long_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
