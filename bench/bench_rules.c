/* SPDX-License-Identifier: MIT */
/*
 * CPU time of rules in one tick over 1,000 processes: what the rule book does for each of them,
 * without the book. Three sets: a few rules as people write them, 50 of which 5 match a process,
 * and 50 that all match. `first` is the tick that sees every text for the first time; the anchor is
 * one that asks regexec() again for every rule, process and tick. Medians of 99 ticks.
 */
#include "rules/rules.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PROCESSES 1000
#define TICKS     99
#define RULES_MAX 50

struct subject {
    struct process process;
    char cmdline[160], unit[PROCESS_UNIT_SIZE];
    uint64_t identity;
    size_t count;
    unsigned matching[RULES_MAX];
    struct rule_progress progress[RULES_MAX];
};

static struct subject subjects[PROCESSES];
static struct sample host;

static double cpu_usec(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void make_subjects(void)
{
    for (int i = 0; i < PROCESSES; i++) {
        struct subject *subject = &subjects[i];
        *subject = (struct subject){.process = {.id = {.pid = i + 1, .start_ticks = 1}}};
        snprintf(subject->process.comm, sizeof(subject->process.comm), "python3.%d", i % 10);
        snprintf(subject->unit, sizeof(subject->unit), "worker-%d.service", i % 10);
        subject->process.unit = subject->unit;
        snprintf(subject->cmdline, sizeof(subject->cmdline),
                 "/usr/bin/python3 -X dev /srv/app/worker_%d.py --queue=etl --concurrency 8 "
                 "--config /etc/app/worker.toml",
                 i % 10);
    }
}

static struct rule_set *make_rules(int count, const char *where)
{
    char text[32768];
    size_t length = 0;
    for (int i = 0; i < count; i++) {
        char clause[128];
        snprintf(clause, sizeof(clause), where, i % 10, i % 10);
        length += (size_t)snprintf(text + length, sizeof(text) - length,
                                   "rule r%d for each process %s:\n"
                                   "  when rss > 200 MiB and cpu < 5%% or mem.available < 10%% of "
                                   "mem.total for 20s\n"
                                   "  then collect, trim\n",
                                   i, clause);
    }
    struct error error;
    size_t errors = 0;
    struct rule_set *set = NULL;
    if (rules_parse(text, length, &set, &error, 1, &errors) < 0) {
        fprintf(stderr, "%d:%d: %s\n", error.line, error.column, error.text);
        exit(1);
    }
    return set;
}

static void tick_subject(const struct rule_set *set, struct subject *subject, uint64_t now_usec)
{
    struct rule_subject view = {
        .process = &subject->process,
        .full_cmdline = subject->cmdline,
        .host = &host,
        .identity = rule_identity(&subject->process, subject->cmdline),
        .period_usec = 1000000,
    };
    if (view.identity != subject->identity) {
        subject->identity = view.identity;
        subject->count = 0;
        for (unsigned i = 0; i < set->count; i++)
            if (!rule_excludes(set->rules[i], &view))
                subject->matching[subject->count++] = i;
    }
    for (size_t i = 0; i < subject->count; i++)
        rule_evaluate(set->rules[subject->matching[i]], &view, &subject->progress[i], now_usec);
}

static double tick_all(const struct rule_set *set, uint64_t now_usec)
{
    sample_set(&host, METRIC_MEM_TOTAL, INT64_C(64) << 30, now_usec);
    sample_set(&host, METRIC_MEM_AVAILABLE, INT64_C(32) << 30, now_usec);
    for (int i = 0; i < PROCESSES; i++) {
        sample_set(&subjects[i].process.sample, METRIC_RSS, INT64_C(300) << 20, now_usec);
        sample_set(&subjects[i].process.sample, METRIC_CPU, i, now_usec);
    }
    double begun = cpu_usec();
    for (int i = 0; i < PROCESSES; i++)
        tick_subject(set, &subjects[i], now_usec);
    return cpu_usec() - begun;
}

/* The same question without remembering anything. */
static double anchor(int count)
{
    int found = 0;
    regex_t regex;
    if (regcomp(&regex, "worker_5\\.py", REG_EXTENDED | REG_NOSUB) != 0)
        return 0;
    double begun = cpu_usec();
    for (int i = 0; i < PROCESSES; i++)
        for (int k = 0; k < count; k++)
            found += regexec(&regex, subjects[i].cmdline, 0, NULL, 0) == 0;
    double usec = cpu_usec() - begun;
    regfree(&regex);
    return found > 0 ? usec : 0; /* used, so that it is not optimised away */
}

static void run(const char *figure, int count, const char *where)
{
    double usec[TICKS];
    make_subjects();
    struct rule_set *set = make_rules(count, where);
    double first = tick_all(set, 1000000);
    for (int i = 0; i < TICKS; i++)
        usec[i] = tick_all(set, (uint64_t)(i + 2) * 1000000);
    qsort(usec, TICKS, sizeof(usec[0]), compare);
    double naive = anchor(count);
    printf("{\"bench\": \"rules\", \"figure\": \"%s\", \"processes\": %d, \"rules\": %d, "
           "\"usec_per_tick\": %.0f, \"first_usec\": %.0f, \"anchor_regexec_usec\": %.0f, "
           "\"ratio\": %.3f}\n",
           figure, PROCESSES, count, usec[TICKS / 2], first, naive, usec[TICKS / 2] / naive);
    rule_set_free(set);
}

int main(void)
{
    run("few", 5, "where cmdline ~ \"worker_%d\\.py\" and unit ~ \"^worker-%d\"");
    run("many", 50, "where cmdline ~ \"worker_%d\\.py\" and unit ~ \"^worker-%d\"");
    run("many_matching", 50, "where comm ~ \"^python\"");
    return 0;
}
