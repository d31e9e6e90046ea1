/* SPDX-License-Identifier: MIT */
#include "verb.h"

#include "base/text.h"

#include <string.h>

const struct verb *verb_at(size_t index)
{
    static const struct verb *const tables[] = {verbs_of_starting, verbs_of_questions,
                                                verbs_of_files};
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        for (const struct verb *verb = tables[i]; verb->name; verb++)
            if (index-- == 0)
                return verb;
    return NULL;
}

const struct verb *verb_find(const char *name)
{
    const struct verb *verb;
    for (size_t i = 0; (verb = verb_at(i)); i++)
        if (strcmp(verb->name, name) == 0)
            return verb;
    return NULL;
}

const struct verb *verb_guess(const char *name)
{
    const struct verb *verb, *best = NULL;
    size_t best_distance = 3; /* more than two typing errors is another word */
    for (size_t i = 0; (verb = verb_at(i)); i++) {
        size_t distance = text_distance(name, verb->name, 2);
        if (distance < best_distance) {
            best = verb;
            best_distance = distance;
        }
    }
    return best;
}
