/* SPDX-License-Identifier: MIT */
#include "diagnose/phrase.h"

#include "model/step.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define USEC_PER_SECOND UINT64_C(1000000)

struct phrase phrase_bytes(int64_t bytes)
{
    struct phrase phrase = {0};
    text_format_bytes(bytes, phrase.text);
    return phrase;
}

struct phrase phrase_span(uint64_t usec)
{
    static const struct {
        uint64_t seconds, upto; /* unit, and up to how many seconds it is used */
        const char *name;
    } units[] = {{1, 120, "s"}, {60, 7200, "min"}, {3600, 172800, "h"}, {86400, UINT64_MAX, "d"}};
    uint64_t seconds = usec / USEC_PER_SECOND;
    size_t i = 0;
    while (seconds >= units[i].upto)
        i++;
    struct phrase phrase;
    snprintf(phrase.text, sizeof(phrase.text), "%llu %s",
             (unsigned long long)(seconds / units[i].seconds), units[i].name);
    return phrase;
}

int phrase_percent(const struct facts *facts, int64_t bytes)
{
    return facts->rss_bytes > 0 ? (int)((double)bytes * 100.0 / (double)facts->rss_bytes) : 0;
}

void phrase_sentence(struct verdict *verdict, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(verdict->sentence, sizeof(verdict->sentence), format, list);
    va_end(list);
}

void phrase_line(struct verdict *verdict, const char *format, ...)
{
    if (verdict->line_count == VERDICT_LINES)
        return;
    va_list list;
    va_start(list, format);
    vsnprintf(verdict->lines[verdict->line_count++], VERDICT_LINE_SIZE, format, list);
    va_end(list);
}

void phrase_next(struct verdict *verdict, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(verdict->next, sizeof(verdict->next), format, list);
    va_end(list);
}

void phrase_no_step(struct verdict *verdict, const char *cannot)
{
    verdict->step = VERDICT_STEP_NONE;
    verdict->has_prediction = true;
    verdict->prediction = (struct prediction){.pause_usec = 0};
    verdict->cannot = cannot;
}

void phrase_recycle(struct verdict *verdict)
{
    verdict->step = VERDICT_STEP_RECYCLE;
    verdict->has_prediction = true;
    verdict->prediction = (struct prediction){.high_bytes = verdict->bytes, .pause_usec = -1};
    verdict->cannot = "keep what the process has in memory: the new one starts with cold caches";
}

static int64_t sum(int64_t a, int64_t b)
{
    int64_t result;
    return __builtin_add_overflow(a, b, &result) ? INT64_MAX : result;
}

/* Collect, then trim: the trim also returns what the collection has freed. */
static struct prediction both(const struct prediction *collect, const struct prediction *trim,
                              int64_t most)
{
    struct prediction prediction = *collect;
    if (trim) {
        prediction.low_bytes = sum(collect->low_bytes, trim->low_bytes);
        prediction.high_bytes = sum(collect->high_bytes, trim->high_bytes);
    }
    if (prediction.high_bytes > most)
        prediction.high_bytes = most;
    if (prediction.low_bytes > prediction.high_bytes)
        prediction.low_bytes = prediction.high_bytes;
    return prediction;
}

static bool predict(const struct facts *facts, enum verdict_step step,
                    struct prediction *ret_prediction)
{
    const struct evidence *evidence = facts->evidence;
    const struct prediction *only = step == VERDICT_STEP_TRIM ? evidence->trim : evidence->collect;
    if (!only || step == VERDICT_STEP_FREEZE)
        return false;
    *ret_prediction =
        step == VERDICT_STEP_FREE ? both(only, evidence->trim, facts->rss_bytes) : *only;
    return true;
}

void phrase_step(const struct facts *facts, enum verdict_step step, struct verdict *verdict)
{
    static const enum step_kind kinds[VERDICT_STEP_COUNT] = {
        [VERDICT_STEP_COLLECT] = STEP_COLLECT,
        [VERDICT_STEP_TRIM] = STEP_TRIM,
        [VERDICT_STEP_FREE] = STEP_COLLECT,
        [VERDICT_STEP_FREEZE] = STEP_FREEZE,
    };
    struct prediction prediction = {.pause_usec = -1};
    bool known = predict(facts, step, &prediction);
    if (known && prediction.unshared_bytes > prediction.high_bytes) {
        phrase_no_step(verdict, "a collection here would copy more of what it shares with its "
                                "family than it can free");
        return;
    }
    verdict->step = step;
    verdict->has_prediction = known;
    verdict->prediction = prediction;
    verdict->cannot = step_info(kinds[step])->cannot;
    phrase_next(verdict, "memtend %s %d", verdict_step_name(step),
                (int)facts->evidence->process->id.pid);
}

/* Nothing in it that a shell would take for more than a name. */
static bool is_plain_service(const char *unit)
{
    static const char suffix[] = ".service";
    size_t length = strlen(unit);
    if (length < sizeof(suffix) || strcmp(unit + length - (sizeof(suffix) - 1), suffix) != 0)
        return false;
    return unit[0] != '-' && strspn(unit, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789_.@:-") == length;
}

void phrase_next_agent(const struct facts *facts, struct verdict *verdict)
{
    const struct process *process = facts->evidence->process;
    if (is_plain_service(process_unit(process)))
        phrase_next(verdict, "memtend enable unit %s", process->unit);
    else
        phrase_next(verdict, "memtend run -- COMMAND");
}
