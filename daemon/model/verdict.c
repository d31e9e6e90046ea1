/* SPDX-License-Identifier: MIT */
#include "model/verdict.h"

const struct verdict_info *verdict_cause_info(enum verdict_cause cause)
{
    static const struct verdict_info infos[VERDICT_CAUSE_COUNT] = {
#define X(id, name_, what_) [VERDICT_##id] = {.name = (name_), .what = (what_)},
        VERDICT_CAUSE_TABLE(X)
#undef X
    };
    return &infos[cause];
}

const char *verdict_confidence_name(enum verdict_confidence confidence)
{
    static const char *const names[] = {
        [VERDICT_CONFIDENCE_UNKNOWN] = "unknown",
        [VERDICT_CONFIDENCE_LOW] = "low",
        [VERDICT_CONFIDENCE_MEDIUM] = "medium",
        [VERDICT_CONFIDENCE_HIGH] = "high",
    };
    return names[confidence];
}

const char *verdict_step_name(enum verdict_step step)
{
    static const char *const names[VERDICT_STEP_COUNT] = {
        [VERDICT_STEP_NONE] = "none",     [VERDICT_STEP_COLLECT] = "collect",
        [VERDICT_STEP_TRIM] = "trim",     [VERDICT_STEP_FREE] = "free",
        [VERDICT_STEP_FREEZE] = "freeze", [VERDICT_STEP_RECYCLE] = "recycle",
    };
    return names[step];
}
