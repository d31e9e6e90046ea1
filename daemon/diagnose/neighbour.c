/* SPDX-License-Identifier: MIT */
#include "diagnose/neighbour.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>

#define MIB (INT64_C(1) << 20)
#define GIB (INT64_C(1) << 30)

/* More than any machine has: a longer number is none. */
#define NEIGHBOUR_LIMIT_MAX (INT64_C(1) << 50)

/* A flag that sets the limit. The last one on a command line counts. */
struct neighbour_flag {
    const char *prefix; /* what stands before the number; a blank at its end: the next argument */
    int64_t unit_bytes; /* of a number without a suffix; 0: a percentage of the machine */
};

#define NEIGHBOUR_FLAGS 3
#define NEIGHBOUR_NAMES 3

struct neighbour_kind {
    const char *names[NEIGHBOUR_NAMES]; /* of the program's file, or comm */
    const char *runtime;
    const char *flag; /* as a person looks it up */
    struct neighbour_flag flags[NEIGHBOUR_FLAGS];
    /* Without a flag: a share of the machine, cut at most; 0 = not known. */
    int64_t default_permyriad, default_most_bytes;
    /* What is normal beside the limit: code, threads, buffers, fragmentation. */
    int64_t beside_permyriad, beside_bytes;
};

/*
 * Java: "java" manual of the JDK (MaxRAMPercentage is 25); metaspace and code cache (240 MiB) are
 * not in the heap. Node.js: V8 takes a quarter of the machine, 2 GiB at most on small ones
 * (heap.cc). PostgreSQL: shared_buffers, chapter "Resource Consumption"; its unit without a suffix
 * is a block. Redis: maxmemory, which leaves out fragmentation and the buffers of clients. MySQL:
 * InnoDB's buffer pool. memcached: -m, mebibytes, 64 without it.
 */
static const struct neighbour_kind neighbour_kinds[] = {
    {{"java"},
     "Java",
     "-Xmx",
     {{"-Xmx", 1}, {"-XX:MaxHeapSize=", 1}, {"-XX:MaxRAMPercentage=", 0}},
     2500,
     INT64_MAX,
     2500,
     256 * MIB},
    {{"node", "nodejs"},
     "Node.js",
     "--max-old-space-size",
     {{"--max-old-space-size=", MIB},
      {"--max_old_space_size=", MIB},
      {"--max-old-space-size ", MIB}},
     2500,
     2 * GIB,
     2500,
     128 * MIB},
    {{"postgres", "postmaster"},
     "PostgreSQL",
     "shared_buffers",
     {{"shared_buffers=", 8192}, {"-B ", 8192}},
     0,
     0,
     1000,
     64 * MIB},
    {{"redis-server", "valkey-server", "keydb-server"},
     "Redis",
     "maxmemory",
     {{"--maxmemory ", 1}},
     0,
     0,
     5000,
     64 * MIB},
    {{"mysqld", "mariadbd"},
     "MySQL",
     "innodb_buffer_pool_size",
     {{"--innodb-buffer-pool-size=", 1}, {"--innodb_buffer_pool_size=", 1}},
     0,
     0,
     2500,
     512 * MIB},
    {{"memcached"},
     "memcached",
     "-m",
     {{"-m ", MIB}, {"--memory-limit=", MIB}},
     0,
     0,
     2500,
     64 * MIB},
};

static bool neighbour_is_named(const struct neighbour_kind *kind, const char *name, size_t length)
{
    for (size_t i = 0; i < NEIGHBOUR_NAMES && kind->names[i]; i++)
        if (strlen(kind->names[i]) == length && memcmp(kind->names[i], name, length) == 0)
            return true;
    return false;
}

/* The file's name in the first argument; servers put a colon behind it ("postgres: writer"). */
static const char *neighbour_program(const char *cmdline, size_t *ret_length)
{
    size_t length = strcspn(cmdline, " ");
    const char *begin = cmdline;
    for (const char *c = cmdline; c < cmdline + length; c++)
        if (*c == '/')
            begin = c + 1;
    length -= (size_t)(begin - cmdline);
    if (length > 0 && begin[length - 1] == ':')
        length--;
    *ret_length = length;
    return begin;
}

static const struct neighbour_kind *neighbour_kind_of(const char *comm, const char *cmdline)
{
    size_t length;
    const char *program = neighbour_program(cmdline, &length);
    for (size_t i = 0; i < sizeof(neighbour_kinds) / sizeof(neighbour_kinds[0]); i++)
        if (neighbour_is_named(&neighbour_kinds[i], program, length) ||
            neighbour_is_named(&neighbour_kinds[i], comm, strlen(comm)))
            return &neighbour_kinds[i];
    return NULL;
}

/* "4g", "512MB", "75.0" in bytes; -1 when it is none. */
static int64_t neighbour_number(const char *text, int64_t unit_bytes, int64_t machine_bytes)
{
    static const struct {
        char letter;
        int64_t bytes;
    } suffixes[] = {{'k', 1024}, {'m', MIB}, {'g', GIB}, {'t', 1024 * GIB}};
    int64_t number = 0;
    if (!isdigit((unsigned char)*text))
        return -1;
    for (; isdigit((unsigned char)*text); text++) {
        number = number * 10 + (*text - '0');
        if (number > NEIGHBOUR_LIMIT_MAX)
            return -1;
    }
    if (unit_bytes == 0)
        return number <= 100 && machine_bytes > 0 ? machine_bytes / 100 * number : -1;
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
        if (tolower((unsigned char)*text) == suffixes[i].letter)
            unit_bytes = suffixes[i].bytes;
    return number <= NEIGHBOUR_LIMIT_MAX / unit_bytes ? number * unit_bytes : -1;
}

/* What an argument of its own begins with the flag and sets, the last one; -1 = none does. */
static int64_t neighbour_flagged(const struct neighbour_kind *kind, const char *cmdline,
                                 int64_t machine_bytes)
{
    int64_t limit = -1;
    for (const char *argument = strchr(cmdline, ' '); argument; argument = strchr(argument, ' ')) {
        argument++;
        for (size_t i = 0; i < NEIGHBOUR_FLAGS && kind->flags[i].prefix; i++) {
            const struct neighbour_flag *flag = &kind->flags[i];
            if (!text_starts_with(argument, flag->prefix))
                continue;
            int64_t said =
                neighbour_number(argument + strlen(flag->prefix), flag->unit_bytes, machine_bytes);
            limit = said > 0 ? said : limit;
        }
    }
    return limit;
}

static int64_t neighbour_default(const struct neighbour_kind *kind, int64_t machine_bytes)
{
    int64_t limit = machine_bytes / 10000 * kind->default_permyriad;
    if (limit <= 0)
        return -1;
    return limit < kind->default_most_bytes ? limit : kind->default_most_bytes;
}

bool neighbour_find(const char *comm, const char *cmdline, int64_t machine_bytes,
                    struct evidence_neighbour *ret_neighbour)
{
    const struct neighbour_kind *kind = neighbour_kind_of(comm, cmdline);
    *ret_neighbour = (struct evidence_neighbour){0};
    if (!kind)
        return false;
    struct evidence_neighbour found = {.runtime = kind->runtime, .limit_flag = kind->flag};
    int64_t limit = neighbour_flagged(kind, cmdline, machine_bytes);
    found.has_limit = limit > 0;
    found.limit_bytes = found.has_limit ? limit : 0;
    if (limit < 0)
        limit = neighbour_default(kind, machine_bytes);
    found.has_expected = limit > 0;
    if (found.has_expected)
        found.expected_bytes = limit + limit / 10000 * kind->beside_permyriad + kind->beside_bytes;
    *ret_neighbour = found;
    return true;
}

bool neighbour_is_python(const char *comm)
{
    static const char *const names[] = {"python", "gunicorn", "uwsgi", "celery", "uvicorn"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (text_starts_with(comm, names[i]))
            return true;
    return false;
}
