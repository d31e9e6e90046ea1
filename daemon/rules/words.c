/* SPDX-License-Identifier: MIT */
#include "rules/words.h"

#include "base/text.h"
#include "model/metric.h"
#include "model/step.h"
#include "rules/grammar.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *word;
    int token;
} words_keywords[] = {
    {"rule", TOKEN_RULE},       {"for", TOKEN_FOR},     {"each", TOKEN_EACH},
    {"process", TOKEN_PROCESS}, {"where", TOKEN_WHERE}, {"when", TOKEN_WHEN},
    {"then", TOKEN_THEN},       {"and", TOKEN_AND},     {"or", TOKEN_OR},
    {"not", TOKEN_NOT},         {"of", TOKEN_OF},       {"at", TOKEN_AT},
    {"most", TOKEN_MOST},       {"once", TOKEN_ONCE},   {"per", TOKEN_PER},
    {"pause", TOKEN_PAUSE},     {"armed", TOKEN_ARMED}, {"dry-run", TOKEN_DRY_RUN},
    {"if", TOKEN_IF},           {"still", TOKEN_STILL}, {"after", TOKEN_AFTER},
    {"until", TOKEN_UNTIL},     {"only", TOKEN_ONLY},   {"between", TOKEN_BETWEEN},
};

#define WORDS_KEYWORDS (sizeof(words_keywords) / sizeof(words_keywords[0]))

static const struct {
    const char *name;
    int token;
} words_signs[] = {
    {"a name", TOKEN_NAME},       {"`:'", TOKEN_COLON},
    {"`,'", TOKEN_COMMA},         {"`('", TOKEN_OPEN},
    {"`)'", TOKEN_CLOSE},         {"a comparison", TOKEN_COMPARE},
    {"a quantity", TOKEN_NUMBER}, {"a text", TOKEN_STRING},
    {"a step", TOKEN_WORD},       {"a time of day", TOKEN_CLOCK},
};

static const char *const words_fields[WORDS_FIELD_COUNT] = {
    [WORDS_COMM] = "comm",
    [WORDS_CMDLINE] = "cmdline",
    [WORDS_UNIT] = "unit",
    [WORDS_NAME] = "name",
};

static const struct {
    enum words_place place;
    const char *word;
} words_later[] = {
    {WORDS_IN_SCOPE, "host"},
    {WORDS_IN_SCOPE, "group"},
    {WORDS_IN_SCOPE, "python"},
    {WORDS_IN_SCOPE, "cgroup"},
    {WORDS_IN_CONDITION, "sum"},
    {WORDS_IN_CONDITION, "max"},
    {WORDS_IN_CONDITION, "slope"},
    {WORDS_IN_CONDITION, "last.freed"},
    {WORDS_IN_CONDITION, "cgroup.current"},
    {WORDS_IN_CONDITION, "cgroup.max"},
    {WORDS_IN_CONDITION, "cgroup.needed"},
    {WORDS_IN_CONDITION, "cgroup.workingset"},
    {WORDS_IN_STEPS, "notify"},
    {WORDS_IN_STEPS, "reclaim"},
    {WORDS_IN_STEPS, "recycle"},
    {WORDS_IN_STEPS, "restart"},
    {WORDS_IN_STEPS, "purge"},
    {WORDS_IN_STEPS, "terminate"},
    {WORDS_IN_STEPS, "snapshot"},
    {WORDS_IN_CLAUSES, "label"},
};

int words_keyword(const char *at, size_t length)
{
    for (size_t i = 0; i < WORDS_KEYWORDS; i++) {
        const char *word = words_keywords[i].word;
        if (strlen(word) == length && memcmp(word, at, length) == 0)
            return words_keywords[i].token;
    }
    return 0;
}

bool words_is_keyword(int token)
{
    for (size_t i = 0; i < WORDS_KEYWORDS; i++)
        if (words_keywords[i].token == token)
            return true;
    return false;
}

const char *words_token_name(int token)
{
    for (size_t i = 0; i < WORDS_KEYWORDS; i++)
        if (words_keywords[i].token == token)
            return words_keywords[i].word;
    for (size_t i = 0; i < sizeof(words_signs) / sizeof(words_signs[0]); i++)
        if (words_signs[i].token == token)
            return words_signs[i].name;
    return "the end of the rule";
}

int words_field_find(const char *word, enum words_field *ret_field)
{
    for (enum words_field field = 0; field < WORDS_FIELD_COUNT; field++) {
        if (strcmp(words_fields[field], word) == 0) {
            *ret_field = field;
            return 0;
        }
    }
    return -ENOENT;
}

const char *words_field_name(enum words_field field)
{
    return words_fields[field];
}

bool words_is_later(enum words_place place, const char *word)
{
    for (size_t i = 0; i < sizeof(words_later) / sizeof(words_later[0]); i++)
        if (words_later[i].place == place && strcmp(words_later[i].word, word) == 0)
            return true;
    return false;
}

/* Best candidate so far. */
struct words_search {
    const char *word;
    const char *best;
    size_t distance;
};

static struct words_search words_search_begin(const char *word)
{
    /* A third of the letters may be wrong, two at most: else every short word is near another. */
    size_t limit = strlen(word) / 3;
    return (struct words_search){.word = word, .distance = (limit > 2 ? 2 : limit) + 1};
}

static void words_search_try(struct words_search *search, const char *candidate)
{
    size_t distance = text_distance(search->word, candidate, search->distance);
    if (distance < search->distance) {
        search->best = candidate;
        search->distance = distance;
    }
}

const char *words_near_operand(const char *word)
{
    enum metric metric;
    if (metric_find(word, &metric) == 0) /* as JSON says it */
        return metric_info(metric)->name;
    struct words_search search = words_search_begin(word);
    for (metric = 0; metric < METRIC_COUNT; metric++)
        words_search_try(&search, metric_info(metric)->name);
    for (enum words_field field = 0; field < WORDS_FIELD_COUNT; field++)
        words_search_try(&search, words_fields[field]);
    return search.best;
}

const char *words_near_step(const char *word)
{
    struct words_search search = words_search_begin(word);
    for (enum step_kind kind = 0; kind < STEP_KIND_COUNT; kind++)
        words_search_try(&search, step_info(kind)->name);
    return search.best;
}

const char *words_near_keyword(const char *word, const bool *expected)
{
    struct words_search search = words_search_begin(word);
    for (size_t i = 0; i < WORDS_KEYWORDS; i++)
        if (expected[words_keywords[i].token])
            words_search_try(&search, words_keywords[i].word);
    return search.best;
}
