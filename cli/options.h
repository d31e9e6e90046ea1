/* SPDX-License-Identifier: MIT */
/*
 * Every option of every command, in ONE table: getopt, --help, the completions and the checks all
 * read it. A command names the options it takes as a set of bits. Constant data and one parse.
 */
#ifndef MEMTEND_CLI_OPTIONS_H
#define MEMTEND_CLI_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

/*   id           long           short argument  help */
#define OPTION_TABLE(X)                                                                            \
    X(HELP, "help", 'h', NULL, "show this help and exit")                                          \
    X(VERSION, "version", 'V', NULL, "show the version and exit")                                  \
    X(RUNTIME_DIR, "runtime-dir", 0, "DIR",                                                        \
      "where the daemon's sockets are (also MEMTEND_RUNTIME_DIR)")                                 \
    X(COLOR, "color", 0, "WHEN", "auto (default), always or never; NO_COLOR is obeyed")            \
    X(JSON, "json", 0, NULL, "print JSON instead of text")                                         \
    X(QUERY, "query", 'q', "TEXT", "only those whose name, command line or unit contains TEXT")    \
    X(SORT, "sort", 0, "METRIC", "largest METRIC first: rss (default), pss, uss, cpu, age, ...")   \
    X(LIMIT, "limit", 'n', "N", "at most N of them, 1 to 1000")                                    \
    X(LOCAL, "local", 0, NULL, "read /proc here, do not ask the daemon")                           \
    X(GROUPS, "groups", 'g', NULL, "groups that share a budget, not processes")                    \
    X(NAME, "name", 0, "NAME", "how memtend shows the program; letters, digits, '.', '_', '-'")    \
    X(DRY_RUN, "dry-run", 0, NULL, "predict and write the receipt, but do nothing")                \
    X(WAIT, "wait", 0, "D", "wait at most D for the receipt (default 30s)")                        \
    X(FOLLOW, "follow", 'f', NULL, "go on printing new ones until interrupted")                    \
    X(KIND, "kind", 0, "KIND", "only events of this kind")                                         \
    X(SINCE, "since", 0, "D", "from D ago on (30s, 5m, 2h, 1d), or from a time on")                \
    X(UNTIL, "until", 0, "D", "up to D ago, or up to a time, which is not in it")                  \
    X(YES, "yes", 'y', NULL, "do not ask")                                                         \
    X(FOR, "for", 0, "D", "resume by itself after D: 30s, 5m, 2h, 1d")                             \
    X(POINTS, "points", 0, "N", "at most N points of a series, 1 to 2000 (default 60)")            \
    X(AGG, "agg", 0, "A", "how points are joined: avg (default), min, max, last or range")         \
    X(CSV, "csv", 0, NULL, "print comma-separated values (RFC 4180) with a line of names")         \
    X(STATE_DIR, "state-dir", 0, "DIR", "where the daemon keeps its data")                         \
    X(HTTP, "http", 0, "ADDR:PORT", "where the daemon serves HTTP (default 127.0.0.1:6368)")       \
    X(STRICT, "strict", 0, NULL, "exit 1 on warnings as well")                                     \
    X(MALLOC, "malloc", 0, "M", "use this allocator: glibc, jemalloc, tcmalloc or mimalloc")       \
    X(SOLO, "solo", 0, NULL, "start a daemon too and stay as the parent of both")                  \
    X(ROOT, "root", 0, "DIR", "where the system's files are (default /)")                          \
    X(WRITE, "write", 0, NULL, "do it, instead of showing what would be done")                     \
    X(MODE, "mode", 0, "MODE", "roots (default), suspects or full")                                \
    X(TOP, "top", 0, "N", "at most N findings, 1 to 40 (default 20)")                              \
    X(MAX_OBJECTS, "max-objects", 0, "N",                                                          \
      "of full: not with more objects than N (default 2000000)")                                   \
    X(JSONL, "jsonl", 0, NULL, "one JSON object a line")                                           \
    X(SQLITE, "sqlite", 0, NULL, "a SQLite database with the tables process and sample")           \
    X(OUTPUT, "output", 'o', "FILE", "write to FILE, whole or not at all")                         \
    X(FORCE, "force", 0, NULL, "replace FILE if it is there")

enum option_id {
#define X(id, name, letter, argument, help) OPTION_##id,
    OPTION_TABLE(X)
#undef X
        OPTION_COUNT,
};

_Static_assert(OPTION_COUNT <= 64, "a set of options is 64 bits");

#define OPTION_BIT(id) (UINT64_C(1) << OPTION_##id)
#define OPTIONS_COMMON (OPTION_BIT(HELP) | OPTION_BIT(RUNTIME_DIR) | OPTION_BIT(COLOR))

struct option_info {
    const char *name;
    char letter; /* 0 = none */
    const char *argument;
    const char *help;
};

/* One command line, taken apart. Points into argv. */
struct invocation {
    const struct verb *verb;
    const char *option[OPTION_COUNT]; /* NULL = not given; flags: "" */
    size_t operand_count;
    char **operands;
};

const struct option_info *option_info(enum option_id id);

/*
 * Take the options of `set` out of argv[1..argc-1]; operands are what is left. With
 * `stop_at_operand` parsing ends there, so that what follows belongs to somebody else.
 * 0, or -EINVAL after a message.
 */
int options_parse(uint64_t set, int argc, char **argv, int stop_at_operand,
                  struct invocation *invocation);
/* A whole number within low..high; the fallback when not given. -EINVAL after a message. */
int options_number(const struct invocation *invocation, enum option_id id, uint64_t low,
                   uint64_t high, uint64_t fallback, uint64_t *ret_value);
/* A duration of 1 s to ten years; the fallback when not given. -EINVAL after a message. */
int options_duration(const struct invocation *invocation, enum option_id id,
                     uint64_t fallback_seconds, uint64_t *ret_seconds);

#endif
