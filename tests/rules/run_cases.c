/* SPDX-License-Identifier: MIT */
/*
 * Runs the cases of text files through the parser and the evaluation of rules.
 *
 *     ## what the case shows
 *     rule r for each process:
 *       when rss > 100 MiB for 2s
 *       then trim
 *     ---
 *     0s       rss=90MiB           -> idle
 *     1s..2s   rss=120MiB cpu=1%   -> pending
 *     3s                           -> fire
 *
 * Before the line of dashes stands the rule text, behind it a timeline. A line is one tick, or one
 * tick a period from a time to another; values stay until they change; `rss=` makes one absent,
 * `stale:rss` keeps it but reads it no more. Texts: comm=, cmdline=, unit=, name=, where `+` stands
 * for a blank. `exec` changes the program, `restart` replaces the process, `period=500ms` the tick.
 * `clock=21:30` is the time of day. Outcomes: idle pending fire cooling barred, and still1 to
 * still3 where an `if still after` fires.
 *
 * When the part behind the dashes begins with "t.rules:", it is the exact report of all errors.
 */
#include "base/quantity.h"
#include "base/text.h"
#include "rules/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASE_LINE_SIZE 1024
#define CASE_TEXT_SIZE 65536

struct timeline {
    const struct rule *rule;
    struct process process;
    struct sample host;
    char name[CASE_LINE_SIZE], unit[CASE_LINE_SIZE], cmdline[CASE_LINE_SIZE];
    bool stale[METRIC_COUNT];
    uint64_t period_usec;
    int minute;
    struct rule_progress progress;
    char problem[CASE_LINE_SIZE];
};

static struct sample *timeline_sample(struct timeline *timeline, enum metric metric)
{
    return metric_info(metric)->scope == METRIC_SCOPE_HOST ? &timeline->host
                                                           : &timeline->process.sample;
}

static const enum quantity_kind kind_of_unit[] = {
    [METRIC_UNIT_BYTES] = QUANTITY_BYTES, [METRIC_UNIT_PERMYRIAD] = QUANTITY_PERMYRIAD,
    [METRIC_UNIT_USEC] = QUANTITY_USEC,   [METRIC_UNIT_COUNT] = QUANTITY_PLAIN,
    [METRIC_UNIT_FLAG] = QUANTITY_PLAIN,
};

static bool set_text(struct timeline *timeline, const char *key, const char *value)
{
    const struct {
        const char *key;
        char *text;
        size_t size;
    } texts[] = {
        {"comm", timeline->process.comm, sizeof(timeline->process.comm)},
        {"name", timeline->name, sizeof(timeline->name)},
        {"unit", timeline->unit, sizeof(timeline->unit)},
        {"cmdline", timeline->cmdline, sizeof(timeline->cmdline)},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(texts[i].key, key) != 0)
            continue;
        text_copy(texts[i].text, texts[i].size, value);
        for (char *plus = texts[i].text; (plus = strchr(plus, '+'));)
            *plus = ' ';
        timeline->process.name = timeline->name;
        timeline->process.unit = timeline->unit;
        return true;
    }
    return false;
}

static bool set_clock(struct timeline *timeline, const char *value)
{
    char *colon;
    long hours = strtol(value, &colon, 10);
    timeline->minute = *value ? (int)(hours * 60 + strtol(colon + 1, NULL, 10)) : -1;
    return !*value || *colon == ':';
}

/* "key=value" */
static bool set_value(struct timeline *timeline, char *word)
{
    char *value = strchr(word, '=');
    enum metric metric;
    int64_t number;
    struct error error;
    *value++ = '\0';
    if (strcmp(word, "period") == 0) {
        if (quantity_parse(value, QUANTITY_USEC, &number, &error) < 0)
            return false;
        timeline->period_usec = (uint64_t)number;
        return true;
    }
    if (strcmp(word, "clock") == 0)
        return set_clock(timeline, value);
    if (set_text(timeline, word, value))
        return true;
    if (metric_find(word, &metric) < 0)
        return false;
    if (!*value) {
        sample_clear(timeline_sample(timeline, metric), metric);
        return true;
    }
    if (quantity_parse(value, kind_of_unit[metric_info(metric)->unit], &number, &error) < 0)
        return false;
    timeline->stale[metric] = false;
    sample_set(timeline_sample(timeline, metric), metric, number, 0);
    return true;
}

static bool apply_word(struct timeline *timeline, char *word)
{
    enum metric metric;
    if (strcmp(word, "exec") == 0) {
        timeline->process.exec_count++;
        return true;
    }
    if (strcmp(word, "restart") == 0) {
        timeline->process.id.start_ticks++;
        timeline->progress = (struct rule_progress){0};
        return true;
    }
    if (text_starts_with(word, "stale:")) {
        if (metric_find(word + strlen("stale:"), &metric) < 0)
            return false;
        timeline->stale[metric] = true;
        return true;
    }
    return strchr(word, '=') && set_value(timeline, word);
}

static enum rule_outcome tick(struct timeline *timeline, uint64_t now_usec)
{
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
        struct sample *sample = timeline_sample(timeline, metric);
        int64_t value;
        if (!timeline->stale[metric] && sample_get(sample, metric, &value))
            sample_set(sample, metric, value, now_usec);
    }
    const char *cmdline = timeline->cmdline[0] ? timeline->cmdline : NULL;
    struct rule_subject subject = {
        .process = &timeline->process,
        .full_cmdline = cmdline,
        .host = &timeline->host,
        .identity = rule_identity(&timeline->process, cmdline),
        .period_usec = timeline->period_usec,
        .minute = timeline->minute,
    };
    /* A rule that texts alone exclude must be idle whatever the metrics say. */
    bool excluded = rule_excludes(timeline->rule, &subject);
    enum rule_outcome outcome =
        rule_evaluate(timeline->rule, &subject, &timeline->progress, now_usec);
    if (excluded && outcome != RULE_IDLE)
        text_copy(timeline->problem, sizeof(timeline->problem), "excluded, but not idle");
    return outcome;
}

static const char *const outcome_names[] = {
    [RULE_IDLE] = "idle",       [RULE_PENDING] = "pending", [RULE_FIRE] = "fire",
    [RULE_COOLING] = "cooling", [RULE_BARRED] = "barred",
};

static const char *const still_names[RULES_STAGE_LIMIT] = {"fire", "still1", "still2", "still3"};

static const char *outcome_name(enum rule_outcome outcome, const struct rule_progress *progress)
{
    return outcome == RULE_FIRE ? still_names[progress->fired_stage] : outcome_names[outcome];
}

static bool problem(struct timeline *timeline, const char *what, const char *detail)
{
    snprintf(timeline->problem, sizeof(timeline->problem), "%s: %.200s", what, detail);
    return false;
}

static bool run_ticks(struct timeline *timeline, char *when, const char *expected)
{
    char detail[128];
    int64_t from, to;
    struct error error;
    char *dots = strstr(when, "..");
    if (dots)
        *dots = '\0';
    if (quantity_parse(when, QUANTITY_USEC, &from, &error) < 0 ||
        quantity_parse(dots ? dots + 2 : when, QUANTITY_USEC, &to, &error) < 0)
        return problem(timeline, "bad time", error.text);
    for (int64_t at = from; at <= to; at += (int64_t)timeline->period_usec) {
        /* The clock never begins at 0. */
        enum rule_outcome outcome = tick(timeline, (uint64_t)at + 1000 * UINT64_C(1000000));
        const char *got = outcome_name(outcome, &timeline->progress);
        if (timeline->problem[0])
            return false;
        if (strcmp(got, expected) == 0)
            continue;
        snprintf(detail, sizeof(detail), "at %g s: expected %s, got %s", (double)at / 1e6, expected,
                 got);
        return problem(timeline, "wrong outcome", detail);
    }
    return true;
}

/* One line of the timeline. */
static bool run_line(struct timeline *timeline, char *line)
{
    char *arrow = strstr(line, "->"), *save = NULL, *when = NULL;
    if (!arrow)
        return problem(timeline, "no `->' in", line);
    *arrow = '\0';
    char *expected = strtok_r(arrow + 2, " \t", &save);
    if (!expected)
        return problem(timeline, "no outcome in", line);
    char *rest = NULL;
    for (char *word = strtok_r(line, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
        if (!when)
            when = word;
        else if (!apply_word(timeline, word))
            return problem(timeline, "cannot read", word);
    }
    if (!when)
        return problem(timeline, "no time in", line);
    return run_ticks(timeline, when, expected);
}

static bool run_timeline(const struct rule *rule, char *text, char *ret_problem, size_t size)
{
    struct timeline *timeline = calloc(1, sizeof(*timeline));
    if (!timeline)
        return false;
    timeline->rule = rule;
    timeline->period_usec = 1000000;
    timeline->minute = -1;
    timeline->process.id = (struct process_id){.pid = 4711, .start_ticks = 1};
    bool good = true;
    char *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line && good; line = strtok_r(NULL, "\n", &save))
        if (line[strspn(line, " \t")] && *line != '#')
            good = run_line(timeline, line);
    text_copy(ret_problem, size, timeline->problem);
    free(timeline);
    return good;
}

static void format_errors(const char *rules, const struct error *errors, size_t count,
                          char *ret_text, size_t size)
{
    size_t length = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < count && length < size; i++)
        length += rules_format_error(rules, strlen(rules), &errors[i], "t.rules", ret_text + length,
                                     size - length);
}

/* Blank lines at the end are not part of it. */
static void cut_end(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && strchr(" \n", text[length - 1]))
        text[--length] = '\0';
}

static bool run_case(const char *rules, char *expected, char *ret_problem, size_t size)
{
    static char got[CASE_TEXT_SIZE];
    struct error errors[RULES_ERROR_LIMIT];
    size_t count = 0;
    _cleanup_(rule_set_freep) struct rule_set *set = NULL;
    int r = rules_parse(rules, strlen(rules), &set, errors, RULES_ERROR_LIMIT, &count);
    cut_end(expected);
    if (r < 0 || text_starts_with(expected, "t.rules:")) {
        format_errors(rules, errors, count, got, sizeof(got));
        cut_end(got);
        snprintf(ret_problem, size, "expected errors:\n%.8000s\ngot:\n%.8000s", expected, got);
        return r < 0 && strcmp(got, expected) == 0;
    }
    if (set->count == 0) {
        text_copy(ret_problem, size, "there is no rule");
        return false;
    }
    return run_timeline(set->rules[0], expected, ret_problem, size);
}

/* Cuts the text at "## " lines and each part at "---". */
static int run_text(const char *file, char *text, size_t *ret_cases)
{
    static char trouble[4 * CASE_LINE_SIZE * 16];
    int failed = 0;
    for (char *at = strstr(text, "## "); at;) {
        char *name = at + 3, *next = strstr(name, "\n## ");
        if (next)
            *next++ = '\0';
        char *rules = strchr(name, '\n'), *dashes = strstr(name, "\n---\n");
        (*ret_cases)++;
        if (!rules || !dashes) {
            fprintf(stderr, "%s: case without `---': %.60s\n", file, name);
            failed++;
        } else {
            *rules++ = '\0';
            dashes[1] = '\0'; /* the newline stays with the rules */
            if (!run_case(rules, dashes + strlen("\n---\n"), trouble, sizeof(trouble))) {
                fprintf(stderr, "%s: %s\n%s\n", file, name, trouble);
                failed++;
            }
        }
        at = next;
    }
    return failed;
}

int main(int argc, char **argv)
{
    static char text[8 * CASE_TEXT_SIZE];
    int failed = 0;
    size_t cases = 0;
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file) {
            perror(argv[i]);
            return 1;
        }
        size_t length = fread(text, 1, sizeof(text) - 1, file);
        fclose(file);
        text[length] = '\0';
        failed += run_text(argv[i], text, &cases);
    }
    printf("%zu cases, %d failed\n", cases, failed);
    return cases == 0 || failed > 0;
}
