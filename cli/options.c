/* SPDX-License-Identifier: MIT */
#include "options.h"

#include "base/clock.h"
#include "base/quantity.h"
#include "base/text.h"
#include "say.h"
#include "verb.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

/* Ten years: longer is a typing error. */
#define OPTIONS_DURATION_MAX_USEC (INT64_C(3650) * 86400 * 1000000)

static const struct option_info option_infos[OPTION_COUNT] = {
#define X(id, name_, letter_, argument_, help_)                                                    \
    [OPTION_##                                                                                     \
        id] = {.name = (name_), .letter = (letter_), .argument = (argument_), .help = (help_)},
    OPTION_TABLE(X)
#undef X
};

/* What getopt_long wants, made from the table. */
struct getopt_tables {
    char letters[2 * OPTION_COUNT + 3];
    struct option longs[OPTION_COUNT + 1];
};

/* Values getopt_long returns for option id: above every letter. */
#define OPTION_VALUE_FIRST 256

const struct option_info *option_info(enum option_id id)
{
    return &option_infos[id];
}

static void getopt_tables_fill(struct getopt_tables *tables, uint64_t set, int stop_at_operand)
{
    size_t letters = 0, longs = 0;
    memset(tables, 0, sizeof(*tables));
    if (stop_at_operand)
        tables->letters[letters++] = '+';
    tables->letters[letters++] = ':'; /* missing arguments are told apart from unknown options */
    for (int id = 0; id < OPTION_COUNT; id++) {
        const struct option_info *info = &option_infos[id];
        if (!(set & (UINT64_C(1) << id)))
            continue;
        tables->longs[longs++] =
            (struct option){.name = info->name,
                            .has_arg = info->argument ? required_argument : no_argument,
                            .val = OPTION_VALUE_FIRST + id};
        if (info->letter) {
            tables->letters[letters++] = info->letter;
            if (info->argument)
                tables->letters[letters++] = ':';
        }
    }
}

static int option_of_value(int value)
{
    if (value >= OPTION_VALUE_FIRST)
        return value - OPTION_VALUE_FIRST;
    for (int id = 0; id < OPTION_COUNT; id++)
        if (option_infos[id].letter && option_infos[id].letter == value)
            return id;
    return -1;
}

static void say_help_of(const struct invocation *invocation)
{
    if (invocation->verb)
        say_try("memtend %s --help", invocation->verb->name);
    else
        say_try("memtend help");
}

static void say_unknown(uint64_t set, const char *given, const struct invocation *invocation)
{
    const char *best = NULL;
    size_t best_distance = 3; /* more than two typing errors is another word */
    for (int id = 0; id < OPTION_COUNT && text_starts_with(given, "--"); id++) {
        size_t distance = text_distance(given + 2, option_infos[id].name, 2);
        if ((set & (UINT64_C(1) << id)) && distance < best_distance) {
            best_distance = distance;
            best = option_infos[id].name;
        }
    }
    if (best)
        say("unknown option %s (did you mean --%s?)", given, best);
    else
        say("unknown option %s", given);
    say_help_of(invocation);
}

static int color_check(const char *when)
{
    if (!when || strcmp(when, "auto") == 0 || strcmp(when, "always") == 0 ||
        strcmp(when, "never") == 0)
        return 0;
    say("--color takes auto, always or never, not %s", when);
    return -EINVAL;
}

int options_parse(uint64_t set, int argc, char **argv, int stop_at_operand,
                  struct invocation *invocation)
{
    struct getopt_tables tables;
    getopt_tables_fill(&tables, set, stop_at_operand);
    opterr = 0;
    optind = 0; /* glibc: start anew, also with another option string */
    for (;;) {
        int value = getopt_long(argc, argv, tables.letters, tables.longs, NULL);
        if (value == -1)
            break;
        if (value == ':') {
            say("option %s needs a value", argv[optind - 1]);
            say_help_of(invocation);
            return -EINVAL;
        }
        int id = value == '?' ? -1 : option_of_value(value);
        if (id < 0) {
            const char letter[] = {'-', (char)optopt, '\0'};
            bool short_one = optopt > 0 && optopt < OPTION_VALUE_FIRST;
            say_unknown(set, short_one ? letter : argv[optind - 1], invocation);
            return -EINVAL;
        }
        invocation->option[id] = optarg ? optarg : "";
    }
    invocation->operands = argv + optind;
    invocation->operand_count = (size_t)(argc - optind);
    return color_check(invocation->option[OPTION_COLOR]);
}

int options_number(const struct invocation *invocation, enum option_id id, uint64_t low,
                   uint64_t high, uint64_t fallback, uint64_t *ret_value)
{
    const char *given = invocation->option[id];
    uint64_t value = fallback;
    if (given && (text_parse_u64(given, &value) < 0 || value < low || value > high)) {
        say("--%s takes a number from %" PRIu64 " to %" PRIu64 ", not %s", option_infos[id].name,
            low, high, given);
        say_help_of(invocation);
        return -EINVAL;
    }
    *ret_value = value;
    return 0;
}

int options_duration(const struct invocation *invocation, enum option_id id,
                     uint64_t fallback_seconds, uint64_t *ret_seconds)
{
    const char *given = invocation->option[id];
    int64_t usec = (int64_t)(fallback_seconds * USEC_PER_SEC);
    if (given && (quantity_parse(given, QUANTITY_USEC, &usec, NULL) < 0 ||
                  usec < (int64_t)USEC_PER_SEC || usec > OPTIONS_DURATION_MAX_USEC)) {
        say("--%s takes a duration like 30s, 5m, 2h or 1d, not %s", option_infos[id].name, given);
        say_help_of(invocation);
        return -EINVAL;
    }
    *ret_seconds = (uint64_t)usec / USEC_PER_SEC;
    return 0;
}
