/* SPDX-License-Identifier: MIT */
/*
 * Rules: one sentence each, parsed, bound to the metrics and evaluated. Pure: no I/O, no clock, no
 * global state; everything here is re-entrant. The caller owns what it gets and frees it with the
 * function named there. A rule that is parsed never changes; what moves is the rule_progress that
 * the caller keeps for each (rule, process).
 *
 *     rule NAME for each process [where COND]:
 *       when COND [for D]
 *       then STEP, STEP...
 *       [at most once per D] [pause at most D] [dry-run | armed]
 */
#ifndef MEMTEND_RULES_RULES_H
#define MEMTEND_RULES_RULES_H

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/pattern.h"
#include "model/process.h"
#include "model/receipt.h"
#include "model/rule.h"
#include "model/step.h"

/* Limits of what a person may write; each has its own error. */
#define RULES_SET_LIMIT     256                                         /* rules in one text */
#define RULES_SOURCE_LIMIT  ((size_t)RULES_SET_LIMIT * RULE_TEXT_LIMIT) /* bytes of one text */
#define RULES_TOKEN_LIMIT   4096                                        /* tokens of one rule */
#define RULES_NESTING_LIMIT 32                                          /* open parentheses */
#define RULES_TEXTS_LIMIT   32 /* comparisons with text in one rule: bits of a cache word */
#define RULES_PATTERN_LIMIT PATTERN_LENGTH_LIMIT /* of a compared text too */
#define RULES_ERROR_LIMIT   32                   /* errors worth reading at once */

#define RULES_COOLDOWN_DEFAULT_USEC UINT64_C(300000000) /* 5 min when the rule does not say */

/* What the text says about arming; whether it counts is for the rule book to decide. */
enum rule_mode { RULE_MODE_UNSAID, RULE_MODE_DRY_RUN, RULE_MODE_ARMED };

struct rule_op; /* private to rules/ */

/* A condition in postfix order. */
struct rule_program {
    size_t count;
    struct rule_op *ops;
};

struct rule {
    char name[RECEIPT_RULE_SIZE];
    char *text;                   /* the exact source, from `rule` to its last word */
    char sha256[DIGEST_HEX_SIZE]; /* of text */
    int line, column;             /* of `rule` in what was parsed */
    uint64_t for_usec;            /* 0 = fires at the first tick at which the condition holds */
    uint64_t cooldown_usec;
    uint64_t pause_budget_usec; /* 0 = not said */
    size_t step_count;
    enum step_kind steps[STEP_LIMIT];
    enum rule_mode mode;
    /* It names a metric of that source. */
    bool wants_stat, wants_slow, wants_deep, wants_agent, wants_pools, wants_cgroup;
    size_t text_count;               /* comparisons with text, in both programs */
    struct rule_program where, when; /* where.count 0: every process */
};

struct rule_set {
    size_t count;
    struct rule **rules; /* in the order of the text; names are unique */
};

/*
 * Parse a whole text. 0, or -EINVAL when there was any error (then nothing is returned), -E2BIG
 * for a text that is too long, -ENOMEM. All errors are collected in the order of the text, at most
 * `limit` of them; *ret_count (set on failure as well) says how many.
 */
int rules_parse(const char *text, size_t length, struct rule_set **ret_set, struct error *errors,
                size_t limit, size_t *ret_count);
/* Exactly one rule; rule->text is the whole text without blanks around it, comments included. */
int rules_parse_one(const char *text, size_t length, struct rule **ret_rule, struct error *errors,
                    size_t limit, size_t *ret_count);
void rule_free(struct rule *rule);
void rule_set_free(struct rule_set *set); /* with the rules that are still in it */
/* Take a rule out of the set; its place becomes NULL. */
struct rule *rule_set_take(struct rule_set *set, size_t index);

DEFINE_CLEANUP(struct rule *, rule_free);
DEFINE_CLEANUP(struct rule_set *, rule_set_free);

/*
 * "FILE:LINE:COLUMN: error: TEXT" and, when the error has a place, the source line and a caret
 * under it, each line ended by a newline. Always NUL-terminated; returns the length written. The
 * source is shown clean: tabs as blanks, control characters replaced, a long line cut around the
 * column. Fits any text with lines and columns, not only rules.
 */
#define RULES_FORMAT_SIZE 1024 /* is always enough */
size_t rules_format_error(const char *source, size_t length, const struct error *error,
                          const char *file, char *ret_text, size_t size);

/* Three-valued: an absent value makes a comparison unknown, and unknown never fires. */
enum truth { TRUTH_FALSE, TRUTH_TRUE, TRUTH_UNKNOWN };

/* What a rule looks at. Borrowed for the call. */
struct rule_subject {
    const struct process *process;
    const char *full_cmdline;  /* NULL = not known (yet) */
    const struct sample *host; /* NULL = nothing known */
    uint64_t identity;         /* rule_identity() of the two above; computed once for all rules */
    uint64_t period_usec;      /* of the tick: what counts as a gap, and as too old */
};

/* What must be remembered for each (rule, process). Zeroed = nothing happened yet. */
struct rule_progress {
    uint64_t seen_usec;               /* last evaluation, monotonic; 0 = never */
    uint64_t since_usec;              /* the condition holds since then; meaningful when holds */
    uint64_t fired_usec;              /* last firing; meaningful when fired */
    uint64_t identity;                /* the texts for which the two words below are true */
    uint32_t texts_known, texts_true; /* one bit for each comparison with text */
    uint32_t exec_count;
    bool holds, fired;
};

enum rule_outcome {
    RULE_IDLE,    /* the condition does not hold, or is unknown */
    RULE_PENDING, /* it holds, not yet for long enough */
    RULE_FIRE,    /* now; progress->fired_usec is set */
    RULE_COOLING, /* it would fire, but did so less than the cool-down ago */
};

/* Changes whenever exec count, comm, name, unit or the full command line change. */
uint64_t rule_identity(const struct process *process, const char *full_cmdline);
/* True when texts alone make `where` false, whatever the metrics say: skip it until they change. */
bool rule_excludes(const struct rule *rule, const struct rule_subject *subject);
/* The where clause alone. Fills the text cache of progress. */
enum truth rule_where(const struct rule *rule, const struct rule_subject *subject,
                      struct rule_progress *progress, uint64_t now_usec);
/*
 * One tick. now_usec is monotonic. More than 2.5 periods since the last call, an unknown value or
 * an exec breaks `for D`. Values that were read too long ago are unknown: 2.5 periods for what is
 * read each tick, 1 min for the slow pass and control groups, 5 min for the probe and the agent.
 */
enum rule_outcome rule_evaluate(const struct rule *rule, const struct rule_subject *subject,
                                struct rule_progress *progress, uint64_t now_usec);
/* Forget a firing that came to nothing, so that the cool-down does not bind the next one. */
void rule_unfire(struct rule_progress *progress);

/* "collect, trim" */
#define RULES_STEPS_SIZE 128
void rules_format_steps(const enum step_kind *steps, size_t count,
                        char ret_text[static RULES_STEPS_SIZE]);

#endif
