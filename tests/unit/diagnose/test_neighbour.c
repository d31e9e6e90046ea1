/* SPDX-License-Identifier: MIT */
#include "diagnose/neighbour.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MIB  (INT64_C(1) << 20)
#define GIB  (INT64_C(1) << 30)
#define NONE (-1)

static const struct {
    const char *comm, *cmdline;
    int64_t machine_bytes;
    const char *runtime; /* NULL: not known */
    int64_t limit_bytes;
    int64_t expected_bytes;
} cases[] = {
    {"java", "/usr/lib/jvm/bin/java -Xms1g -Xmx4g -jar a.jar", 16 * GIB, "Java", 4 * GIB,
     5 * GIB + 256 * MIB - 4 * GIB % 10000 / 4},
    {"main", "java -Xmx4096m -Xmx512M -jar a.jar", 16 * GIB, "Java", 512 * MIB, 0},
    {"java", "java -XX:MaxRAMPercentage=75.0 -jar a.jar", 8 * GIB, "Java", 8 * GIB / 100 * 75, 0},
    {"java", "java -XX:MaxRAMPercentage=75.0 -jar a.jar", 0, "Java", NONE, NONE},
    {"java", "java -jar a.jar", 8 * GIB, "Java", NONE, 0},
    {"java", "java -Xmx99999999999999999999g", 0, "Java", NONE, NONE},
    {"java", "java -Xmx-4g -Xmx", 0, "Java", NONE, NONE},
    {"node", "node --max-old-space-size=2048 app.js", 0, "Node.js", 2 * GIB, 0},
    {"node", "node --max-old-space-size 256 app.js", 0, "Node.js", 256 * MIB, 0},
    {"postgres", "postgres: 15/main: checkpointer", 8 * GIB, "PostgreSQL", NONE, NONE},
    {"postgres", "/usr/lib/postgresql/15/bin/postgres -D /x -c shared_buffers=128MB", 0,
     "PostgreSQL", 128 * MIB, 0},
    {"postgres", "postgres -B 1024", 0, "PostgreSQL", 8 * MIB, 0},
    {"redis-server", "/usr/bin/redis-server 127.0.0.1:6379", 8 * GIB, "Redis", NONE, NONE},
    {"redis-server", "redis-server --maxmemory 100mb", 0, "Redis", 100 * MIB, 0},
    {"memcached", "/usr/bin/memcached -m 64 -p 11211", 0, "memcached", 64 * MIB, 0},
    {"python3", "python3 java -Xmx4g", 8 * GIB, NULL, NONE, NONE},
    {"javac", "javac", 8 * GIB, NULL, NONE, NONE},
    {"", "", 8 * GIB, NULL, NONE, NONE},
    {"x", "/", 8 * GIB, NULL, NONE, NONE},
    {"x", ":", 8 * GIB, NULL, NONE, NONE},
};

/* expected 0 in the table: there is one, whichever. */
static void every_program(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct evidence_neighbour found;
        bool known =
            neighbour_find(cases[i].comm, cases[i].cmdline, cases[i].machine_bytes, &found);
        print_message("%s\n", cases[i].cmdline);
        assert_int_equal(known, cases[i].runtime != NULL);
        if (!known) {
            assert_null(found.runtime);
            continue;
        }
        assert_string_equal(found.runtime, cases[i].runtime);
        assert_int_equal(found.has_limit, cases[i].limit_bytes != NONE);
        assert_int_equal(found.limit_bytes, found.has_limit ? cases[i].limit_bytes : 0);
        assert_int_equal(found.has_expected, cases[i].expected_bytes != NONE);
        if (cases[i].expected_bytes > 0)
            assert_int_equal(found.expected_bytes / MIB, cases[i].expected_bytes / MIB);
        if (found.has_limit)
            assert_true(found.expected_bytes > found.limit_bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_program)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
