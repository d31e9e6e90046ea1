/* SPDX-License-Identifier: MIT */
/*
 * What the store makes of a trace: bytes per sample, CPU time, bytes written, how long questions
 * take; and whether every value comes back as it went in. One JSON object a line, each with its
 * anchor of the same run: one 4 KiB blob a tick, committed in WAL. See usage() below.
 *
 * Fields whose table or query does not exist are left out, with a word on standard error.
 */
#include "base/text.h"
#include "bench/storage/mix.h"
#include "bench/storage/report.h"
#include "bench/storage/run.h"
#include "bench/storage/tables.h"
#include "bench/storage/trace.h"
#include "bench/storage/written.h"

#include <errno.h>
#include <ftw.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_SECONDS   86400
#define TABLE_SECONDS 60 /* unless --limit says otherwise */

struct options {
    const char *trace, *expect, *generate, *output, *table, *directory;
    uint64_t processes, metrics, seconds, seed, days, limit_sec;
};

static int usage(FILE *out, int status)
{
    fputs("usage: bench-storage --trace FILE --processes P --metrics M --seconds T [--days D]\n"
          "         store the trace, read it back, print the figures; --days: over and over until\n"
          "         so many days are stored, for questions over long ranges; --expect FILE: what\n"
          "         must come back, instead of the trace itself: a check of the check\n"
          "       bench-storage --table narrow|wide --trace FILE --processes P --metrics M\n"
          "                     --seconds T [--limit SECONDS]\n"
          "         the same trace in a plain SQLite table\n"
          "       bench-storage --generate quiet|noisy FILE --processes P --seconds T [--seed N]\n"
          "         make a trace of 8 metrics\n"
          "FILE: little-endian int64 in the order [process][metric][second]: rss, anon, file,\n"
          "shmem, swap, pss, vsize in KiB, cpu in ms. --directory DIR: where databases are made\n"
          "(default /var/tmp; a real disk).\n",
          out);
    return status;
}

/* A decimal between 1 and the limit. */
static bool parse_number(const char *text, uint64_t limit, uint64_t *ret_number)
{
    uint64_t number = 0;
    size_t used = 0;
    if (text_scan_u64(text, strlen(text), &number, &used) < 0 || text[used] != '\0' || number < 1 ||
        number > limit)
        return false;
    *ret_number = number;
    return true;
}

static bool parse_option(int letter, const char *text, struct options *options)
{
    switch (letter) {
    case 't':
        options->trace = text;
        return true;
    case 'e':
        options->expect = text;
        return true;
    case 'g':
        options->generate = text;
        return true;
    case 'b':
        options->table = text;
        return true;
    case 'd':
        options->directory = text;
        return true;
    case 'p':
        return parse_number(text, TRACE_PROCESSES_LIMIT, &options->processes);
    case 'm':
        return parse_number(text, TRACE_METRICS, &options->metrics);
    case 's':
        return parse_number(text, TRACE_SECONDS_LIMIT, &options->seconds);
    case 'n':
        return parse_number(text, UINT32_MAX, &options->seed);
    case 'D':
        return parse_number(text, TRACE_SECONDS_LIMIT / DAY_SECONDS, &options->days);
    case 'l':
        return parse_number(text, 3600, &options->limit_sec);
    default:
        return false;
    }
}

/* false: wrong usage, and said so. */
static bool parse_options(int argc, char **argv, struct options *options)
{
    static const struct option table[] = {
        {"trace", required_argument, NULL, 't'},
        {"generate", required_argument, NULL, 'g'},
        {"table", required_argument, NULL, 'b'},
        {"directory", required_argument, NULL, 'd'},
        {"processes", required_argument, NULL, 'p'},
        {"metrics", required_argument, NULL, 'm'},
        {"seconds", required_argument, NULL, 's'},
        {"seed", required_argument, NULL, 'n'},
        {"days", required_argument, NULL, 'D'},
        {"limit", required_argument, NULL, 'l'},
        {"expect", required_argument, NULL, 'e'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int letter, index = 0;
    while ((letter = getopt_long(argc, argv, "", table, &index)) != -1) {
        if (letter == 'h')
            exit(usage(stdout, 0));
        if (!parse_option(letter, optarg, options)) {
            if (letter != '?')
                report_remark("--%s: not '%s'", table[index].name, optarg);
            return false;
        }
    }
    if (options->generate && optind < argc)
        options->output = argv[optind++];
    return optind == argc;
}

static bool options_complete(const struct options *options)
{
    if (options->processes == 0 || options->seconds == 0)
        return false;
    if (options->generate)
        return options->output && !options->trace;
    return options->trace && options->metrics > 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

/* Where the databases are; gone at the end, also when that is an error. */
static char directory[PATH_MAX - 64];

static void remove_directory(void)
{
    nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_directory(const char *base)
{
    snprintf(directory, sizeof(directory), "%s/bench-storage-XXXXXX", base);
    if (!mkdtemp(directory))
        report_need(-errno, directory);
    atexit(remove_directory);
}

static int generate(const struct options *options)
{
    struct error error;
    struct trace trace;
    int r = mix_generate(options->generate, options->output, options->processes, options->seconds,
                         options->seed, &error);
    if (r == 0)
        r = trace_open(options->output, options->processes, TRACE_METRICS, options->seconds, &trace,
                       &error);
    if (r < 0) {
        report_remark("%s", error.text);
        return 1;
    }
    report_begin("generate");
    report_text("mix", options->generate);
    report_integer("processes", (int64_t)options->processes);
    report_integer("metrics", TRACE_METRICS);
    report_integer("seconds", (int64_t)options->seconds);
    report_real("changed_percent", trace_changed_percent(&trace), 2);
    report_end();
    trace_close(&trace);
    return 0;
}

static bool open_trace(const struct options *options, const char *path, struct trace *ret_trace)
{
    struct error error;
    if (trace_open(path, options->processes, options->metrics, options->seconds, ret_trace,
                   &error) == 0)
        return true;
    report_remark("%s", error.text);
    return false;
}

/* 1: what came back is not what was stored. */
static int measure(const struct options *options, const struct trace *trace,
                   const struct trace *expected)
{
    make_directory(options->directory);
    report_need(written_install(), "count what SQLite writes");
    if (!options->table)
        return run_trace(trace, expected, directory, options->days * DAY_SECONDS) ? 0 : 1;
    report_need(tables_run(options->table, trace, directory, (unsigned)options->limit_sec),
                options->table);
    return 0;
}

static int measure_files(const struct options *options)
{
    struct trace trace, expected;
    if (!open_trace(options, options->trace, &trace))
        return 2;
    if (!open_trace(options, options->expect ? options->expect : options->trace, &expected)) {
        trace_close(&trace);
        return 2;
    }
    int status = measure(options, &trace, &expected);
    trace_close(&expected);
    trace_close(&trace);
    return status;
}

int main(int argc, char **argv)
{
    struct options options = {.directory = "/var/tmp", .seed = 1, .limit_sec = TABLE_SECONDS};
    if (!parse_options(argc, argv, &options) || !options_complete(&options))
        return usage(stderr, 2);
    return options.generate ? generate(&options) : measure_files(&options);
}
