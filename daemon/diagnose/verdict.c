/* SPDX-License-Identifier: MIT */
#include "diagnose/verdict.h"

#include "diagnose/causes.h"
#include "diagnose/facts.h"
#include "diagnose/telling.h"

/* In permyriad of RSS. From half on a cause explains more than all others together; from three
 * tenths on it may be the largest, if the rest is known too; below, nothing stands out. */
#define VERDICT_MAIN_SHARE    5000
#define VERDICT_LARGEST_SHARE 3000
/* As much of RSS as may lie in lines that only say where it is. */
#define VERDICT_UNCLEAR_SHARE 5000

struct choice {
    const struct cause *cause; /* NULL: none */
    struct finding finding;
};

static struct choice choose(const struct facts *facts)
{
    struct choice best = {0};
    for (size_t i = 0; i < cause_count; i++) {
        struct finding finding;
        if (!causes[i].holds(facts, &finding))
            continue;
        if (causes[i].decides)
            return (struct choice){&causes[i], finding};
        if (!best.cause || finding.bytes > best.finding.bytes)
            best = (struct choice){&causes[i], finding};
    }
    return best;
}

/* Whether the best one explains enough to be named; less than half is never sure. */
static bool is_enough(const struct facts *facts, struct choice *choice)
{
    if (!choice->cause)
        return false;
    if (choice->cause->decides || facts_is_share(facts, choice->finding.bytes, VERDICT_MAIN_SHARE))
        return true;
    choice->finding.confidence = VERDICT_CONFIDENCE_LOW;
    return facts_is_share(facts, choice->finding.bytes, VERDICT_LARGEST_SHARE) &&
           !facts_is_share(facts, facts->unclear_bytes, VERDICT_UNCLEAR_SHARE);
}

void verdict_make(const struct evidence *evidence, const struct ledger *ledger,
                  struct verdict *ret_verdict)
{
    struct facts facts;
    struct verdict verdict = {.cause = VERDICT_UNKNOWN};
    facts_find(evidence, ledger, &facts);
    struct choice choice = {0};
    if (sample_has(&evidence->process->sample, METRIC_RSS) || evidence->layers)
        choice = choose(&facts);
    if (is_enough(&facts, &choice)) {
        verdict.cause = choice.cause->id;
        verdict.confidence = choice.finding.confidence;
        verdict.bytes = choice.finding.bytes;
        choice.cause->tell(&facts, &verdict);
    } else {
        verdict.bytes = facts.unclear_bytes;
        tell_unknown(&facts, &verdict);
    }
    tell_beside(&facts, &verdict);
    *ret_verdict = verdict;
}
