/* SPDX-License-Identifier: MIT */
#include "card.h"

#include "answer.h"
#include "table.h"

#include <stdio.h>
#include <string.h>

struct card_word {
    const char *word;
    const char *text; /* for people */
    enum colour colour;
};

static const struct card_word card_outcomes[] = {
    {"freed", NULL, COLOUR_GOOD},       {"freed_nothing", NULL, COLOUR_WARN},
    {"dry_run", NULL, COLOUR_NONE},     {"target_gone", NULL, COLOUR_BAD},
    {"agent_silent", NULL, COLOUR_BAD}, {"agent_busy", NULL, COLOUR_WARN},
    {"refused", NULL, COLOUR_WARN},     {"backed_off", NULL, COLOUR_WARN},
    {"paused", NULL, COLOUR_WARN},
};

static const struct card_word card_bases[] = {
    {"family_pss", "fall of PSS + swapped PSS over the family", COLOUR_NONE},
    {"uss", "fall of USS + swap", COLOUR_NONE},
    {"rss", "fall of RSS: better measures could not be read", COLOUR_NONE},
};

static const struct card_word *word_find(const struct card_word *words, size_t count,
                                         const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i].word, word) == 0)
            return &words[i];
    return NULL;
}

enum colour card_colour(const char *outcome)
{
    const struct card_word *word =
        word_find(card_outcomes, sizeof(card_outcomes) / sizeof(card_outcomes[0]), outcome);
    return word ? word->colour : COLOUR_NONE;
}

const char *card_pause(json_t *receipt, char ret_text[static DURATION_TEXT_SIZE])
{
    json_t *steps = member_array(receipt, "steps");
    double total = 0, pause;
    bool known = false;
    for (size_t i = 0; i < json_array_size(steps); i++) {
        json_t *step = json_array_get(steps, i);
        if (!member_number(step, "pause_seconds", &pause))
            continue;
        total += pause;
        known = true;
    }
    if (!known)
        return "-";
    duration_format_short(total, ret_text);
    return ret_text;
}

void card_steps(json_t *receipt, char *ret_text, size_t size)
{
    json_t *steps = member_array(receipt, "steps");
    size_t used = 0;
    *ret_text = '\0';
    for (size_t i = 0; i < json_array_size(steps); i++) {
        json_t *step = json_array_get(steps, i);
        if (used > 0)
            used += text_copy(ret_text + used, size - used, ", ");
        used += text_copy(ret_text + used, size - used, member_text(step, "step"));
    }
}

/* "246.9 MiB -> 10.3 MiB"; one of them, or "-", when the rest is not known. */
static void add_change(struct table *table, json_t *object, const char *before, const char *after)
{
    char text_before[SHOW_VALUE_SIZE], text_after[SHOW_VALUE_SIZE];
    const char *from = show_bytes(object, before, text_before);
    const char *to = show_bytes(object, after, text_after);
    if (strcmp(to, "-") == 0)
        table_add(table, COLOUR_NONE, "%s", from);
    else
        table_add(table, COLOUR_NONE, "%s -> %s", from, to);
}

static void add_changes(struct table *table, json_t *object)
{
    add_change(table, object, "rss_before_bytes", "rss_after_bytes");
    add_change(table, object, "pss_before_bytes", "pss_after_bytes");
    add_change(table, object, "uss_before_bytes", "uss_after_bytes");
}

static void print_steps(json_t *receipt)
{
    static const struct table_column columns[] = {
        {"STEP", false}, {"RSS", true},     {"PSS", true},      {"USS", true},
        {"PAUSE", true}, {"OBJECTS", true}, {"OUTCOME", false},
    };
    json_t *steps = member_array(receipt, "steps");
    struct table table;
    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < json_array_size(steps); i++) {
        json_t *step = json_array_get(steps, i);
        char text[SHOW_VALUE_SIZE], pause[DURATION_TEXT_SIZE] = "-";
        const char *outcome = member_text(step, "outcome");
        double seconds;
        if (member_number(step, "pause_seconds", &seconds))
            duration_format_short(seconds, pause);
        table_add(&table, COLOUR_NONE, "%s", member_text(step, "step"));
        add_changes(&table, step);
        table_add(&table, COLOUR_NONE, "%s", pause);
        table_add(&table, COLOUR_NONE, "%s", show_count(step, "objects", text));
        table_add(&table, card_colour(outcome), "%s", *outcome ? outcome : "not reached");
    }
    table_print(&table);
    table_finish(&table);
    for (size_t i = 0; i < json_array_size(steps); i++) {
        json_t *step = json_array_get(steps, i);
        if (*member_text(step, "note"))
            printf("  %s: %s\n", member_text(step, "step"), member_text(step, "note"));
    }
}

static void print_predicted(json_t *receipt)
{
    json_t *range = member_array(receipt, "predicted_bytes");
    char low[TEXT_BYTES_SIZE], high[TEXT_BYTES_SIZE], pause[DURATION_TEXT_SIZE];
    double seconds;
    if (json_array_size(range) != 2 || !json_is_integer(json_array_get(range, 0)) ||
        !json_is_integer(json_array_get(range, 1)))
        return;
    text_format_bytes(json_integer_value(json_array_get(range, 0)), low);
    text_format_bytes(json_integer_value(json_array_get(range, 1)), high);
    printf("predicted  %s to %s", low, high);
    if (member_number(receipt, "predicted_pause_seconds", &seconds)) {
        duration_format_short(seconds, pause);
        printf(", pause %s", pause);
    }
    printf("\n");
}

static void print_result(json_t *receipt)
{
    char text[SHOW_VALUE_SIZE];
    const char *outcome = member_text(receipt, "outcome");
    const char *basis_name = member_text(receipt, "basis");
    const struct card_word *basis =
        word_find(card_bases, sizeof(card_bases) / sizeof(card_bases[0]), basis_name);
    int64_t swapped;
    print_predicted(receipt);
    printf("freed      %s%s%s  (%s%s%s)\n", show_colour(COLOUR_BOLD),
           show_bytes(receipt, "freed_bytes", text), show_plain(), basis_name, basis ? ": " : "",
           basis ? basis->text : "");
    if (member_integer(receipt, "moved_to_swap_bytes", &swapped) && swapped > 0)
        printf("to swap    %s, not counted as freed\n",
               show_bytes(receipt, "moved_to_swap_bytes", text));
    printf("outcome    %s%s%s\n", show_colour(card_colour(outcome)),
           *outcome ? outcome : "not finished", show_plain());
    if (*member_text(receipt, "note"))
        printf("note       %s\n", member_text(receipt, "note"));
    if (json_is_false(json_object_get(receipt, "durable")))
        printf("durable    no: the store could not take it yet\n");
}

void card_print(json_t *receipt)
{
    char time[SHOW_TIME_SIZE], text[SHOW_VALUE_SIZE], after[SHOW_VALUE_SIZE];
    printf("%s%s%s  %s  receipt %s\n", show_colour(COLOUR_BOLD), member_text(receipt, "target"),
           show_plain(), member_text(receipt, "comm"), member_text(receipt, "id"));
    if (*member_text(receipt, "time"))
        printf("started    %s\n", show_time(receipt, "time", time));
    printf("asked by   %s\n", member_text(receipt, "asked_by"));
    if (json_array_size(member_array(receipt, "steps")) > 0)
        print_steps(receipt);
    printf("RSS        %s -> %s\n", show_bytes(receipt, "rss_before_bytes", text),
           show_bytes(receipt, "rss_after_bytes", after));
    print_result(receipt);
}
