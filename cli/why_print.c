/* SPDX-License-Identifier: MIT */
#include "why.h"

#include "answer.h"
#include "show.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define WHY_BAR_COLUMNS 24

/* "etl: python3 etl.py   4711-88213   web.service   up 3h" */
static void print_who(FILE *out, json_t *process)
{
    char age[SHOW_VALUE_SIZE];
    const char *name = member_text(process, "name");
    fprintf(out, "%s%s%s", show_colour(COLOUR_BOLD), name, *name ? ": " : "");
    const char *cmdline = member_text(process, "cmdline");
    fprintf(out, "%s%s\n", *cmdline ? cmdline : member_text(process, "comm"), show_plain());
    fprintf(out, "%s", member_text(process, "id"));
    const char *unit = member_text(process, "unit");
    if (*unit)
        fprintf(out, "  %s", unit);
    fprintf(out, "  up %s", show_seconds(process, "age_seconds", age));
    int64_t members = 0;
    if (member_integer(process, "family_size", &members) && members > 1)
        fprintf(out, "  family of %d", (int)members);
    const char *runtime = member_text(member_object(process, "agent"), "runtime");
    if (*runtime)
        fprintf(out, "  agent in %s", runtime);
    fprintf(out, "\n");
}

/* What is known of these, on one line. */
static void print_sizes(FILE *out, json_t *process)
{
    static const struct {
        const char *key, *label;
    } sizes[] = {{"rss_bytes", "RSS"},   {"pss_bytes", "PSS"},     {"uss_bytes", "USS"},
                 {"swap_bytes", "swap"}, {"limit_bytes", "limit"}, {"headroom_bytes", "headroom"}};
    const char *between = "";
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char text[SHOW_VALUE_SIZE];
        double value;
        if (!member_number(process, sizes[i].key, &value) ||
            (value == 0 && strcmp(sizes[i].key, "swap_bytes") == 0))
            continue;
        fprintf(out, "%s%s %s", between, sizes[i].label, show_bytes(process, sizes[i].key, text));
        between = "   ";
    }
    if (strcmp(member_text(process, "pss_absent"), "too_dear") == 0)
        fprintf(out, "%sPSS too dear: to read it would hold the process up", between);
    fprintf(out, "\n");
}

static void print_bar(FILE *out, double share)
{
    static const char full[] = "########################";
    _Static_assert(sizeof(full) == WHY_BAR_COLUMNS + 1, "one column each");
    int columns = (int)(share * WHY_BAR_COLUMNS + 0.5);
    columns = columns < 0 ? 0 : columns > WHY_BAR_COLUMNS ? WHY_BAR_COLUMNS : columns;
    fprintf(out, "%s%-*.*s%s", show_colour(COLOUR_DIM), WHY_BAR_COLUMNS, columns, full,
            show_plain());
}

/* "python_used" as "python used". */
static void print_name(FILE *out, const char *name)
{
    char text[24];
    text_copy(text, sizeof(text), name);
    for (char *line = strchr(text, '_'); line; line = strchr(line, '_'))
        *line = ' ';
    fprintf(out, "  %-14s", text);
}

static void print_ledger(FILE *out, json_t *ledger)
{
    json_t *layers = member_array(ledger, "layers");
    double rss = 0;
    member_number(ledger, "rss_bytes", &rss);
    for (size_t i = 0; i < json_array_size(layers); i++) {
        json_t *layer = json_array_get(layers, i);
        char bytes[SHOW_VALUE_SIZE];
        double value = 0;
        if (!member_number(layer, "bytes", &value) || value == 0)
            continue;
        print_name(out, member_text(layer, "layer"));
        fprintf(out, "%10s %3.0f %%  ", show_bytes(layer, "bytes", bytes),
                rss > 0 ? 100 * value / rss : 0);
        print_bar(out, rss > 0 ? value / rss : 0);
        fprintf(out, "  %s\n", member_text(layer, "what"));
    }
    const char *missing = member_text(ledger, "missing");
    if (*missing)
        fprintf(out, "  (not closer: %s)\n", missing);
}

static void print_large(FILE *out, json_t *ledger)
{
    json_t *large = member_array(ledger, "large");
    for (size_t i = 0; i < json_array_size(large) && i < 3; i++) {
        json_t *one = json_array_get(large, i);
        char rss[SHOW_VALUE_SIZE], size[SHOW_VALUE_SIZE], born[SHOW_VALUE_SIZE];
        double seconds;
        fprintf(out, "  mapping at %s: %s of %s in memory", member_text(one, "start"),
                show_bytes(one, "rss_bytes", rss), show_bytes(one, "size_bytes", size));
        if (member_number(one, "born_seconds_ago", &seconds))
            fprintf(out, ", made %s ago", show_seconds(one, "born_seconds_ago", born));
        fprintf(out, "\n");
    }
}

static enum colour confidence_colour(const char *confidence)
{
    if (strcmp(confidence, "high") == 0)
        return COLOUR_GOOD;
    return strcmp(confidence, "unknown") == 0 ? COLOUR_DIM : COLOUR_WARN;
}

static void print_prediction(FILE *out, json_t *verdict)
{
    json_t *range = member_array(verdict, "predicted_bytes");
    const char *step = member_text(verdict, "step");
    char pause[SHOW_VALUE_SIZE];
    double seconds;
    if (strcmp(step, "none") != 0)
        fprintf(out, "would help: %s", step);
    if (strcmp(step, "none") != 0 && json_array_size(range) == 2) {
        char low[TEXT_BYTES_SIZE], high[TEXT_BYTES_SIZE];
        text_format_bytes(json_integer_value(json_array_get(range, 0)), low);
        text_format_bytes(json_integer_value(json_array_get(range, 1)), high);
        fprintf(out, ", gives back %s to %s", low, high);
        if (member_number(verdict, "predicted_pause_seconds", &seconds))
            fprintf(out, ", pauses it %s", show_seconds(verdict, "predicted_pause_seconds", pause));
    }
    if (strcmp(step, "none") != 0)
        fprintf(out, "\n");
    const char *cannot = member_text(verdict, "cannot");
    if (*cannot)
        fprintf(out, "cannot: %s\n", cannot);
    const char *next = member_text(verdict, "next");
    if (*next)
        fprintf(out, "next: %s%s%s\n", show_colour(COLOUR_BOLD), next, show_plain());
}

static void print_verdict(FILE *out, json_t *verdict)
{
    const char *confidence = member_text(verdict, "confidence");
    json_t *lines = member_array(verdict, "evidence");
    fprintf(out, "%s", show_colour(COLOUR_BOLD));
    fprintf(out, "%s%s  %s(", member_text(verdict, "sentence"), show_plain(),
            show_colour(confidence_colour(confidence)));
    fprintf(out, "cause: %s, ", member_text(verdict, "cause"));
    fprintf(out, "confidence: %s)%s\n", confidence, show_plain());
    for (size_t i = 0; i < json_array_size(lines); i++)
        fprintf(out, "  - %s\n", item_text(lines, i));
    print_prediction(out, verdict);
}

void why_print(FILE *out, const struct why *why)
{
    print_who(out, why->process);
    print_sizes(out, why->process);
    fprintf(out, "\n");
    print_ledger(out, why->ledger);
    print_large(out, why->ledger);
    fprintf(out, "\n");
    print_verdict(out, why->verdict);
}
