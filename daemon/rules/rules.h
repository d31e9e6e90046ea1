/* SPDX-License-Identifier: MIT */
/*
 * Rules: one sentence each, parsed, bound to the metrics and evaluated. Pure: no I/O, no clock, no
 * global state; everything here is re-entrant. The caller owns what it gets and frees it with the
 * function named there. A rule that is parsed never changes; what moves is the rule_progress that
 * the caller keeps for each (rule, process).
 *
 *     rule NAME for each process [where COND]:
 *       when COND [for D [of D]]
 *       then STEP, STEP...
 *       [if still after D then STEP, STEP...]
 *       [until COND] [at most once|N per D] [pause at most D]
 *       [only between HH:MM and HH:MM] [only when COND] [dry-run | armed]
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

#define RULES_STAGE_LIMIT 4 /* `then`, and three times `if still after` */
#define RULES_TIMES_LIMIT 8 /* firings that `at most N per D` remembers for each process */
/* `for D of W`: W is looked at in so many parts, a bit each; so D is at least a part of it. */
#define RULES_WINDOW_PARTS 60

#define RULES_COOLDOWN_DEFAULT_USEC UINT64_C(300000000) /* 5 min when the rule does not say */

/* What the text says about arming; whether it counts is for the rule book to decide. */
enum rule_mode { RULE_MODE_UNSAID, RULE_MODE_DRY_RUN, RULE_MODE_ARMED };

struct rule_op; /* private to rules/ */

/* A condition in postfix order. */
struct rule_program {
    size_t count;
    struct rule_op *ops;
};

/* What is done at once, or when the condition still holds so long after the stage before. */
struct rule_stage {
    uint64_t after_usec;
    size_t step_count;
    enum step_kind steps[STEP_LIMIT];
};

struct rule {
    char name[RECEIPT_RULE_SIZE];
    char *text;                   /* the exact source, from `rule` to its last word */
    char sha256[DIGEST_HEX_SIZE]; /* of text */
    int line, column;             /* of `rule` in what was parsed */
    uint64_t for_usec;            /* 0 = fires at the first tick at which the condition holds */
    uint64_t window_usec;         /* `of`; 0 = it must hold without a break */
    uint64_t cooldown_usec;       /* may fire `times` in it */
    unsigned times;               /* 1 to RULES_TIMES_LIMIT */
    uint64_t pause_budget_usec;   /* 0 = not said */
    size_t stage_count;           /* at least 1 */
    struct rule_stage stages[RULES_STAGE_LIMIT];
    int from_minute, to_minute; /* of the day; equal: at any time. From 22:00 to 5:00 is a night */
    enum rule_mode mode;
    /* It names a metric of that source. */
    bool wants_stat, wants_slow, wants_deep, wants_agent, wants_pools, wants_cgroup;
    size_t text_count;               /* comparisons with text, in all programs */
    struct rule_program where, when; /* where.count 0: every process */
    struct rule_program until, only; /* count 0: not said */
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
    int minute;                /* of the day where the daemon lives; -1 = not known */
};

/* What must be remembered for each (rule, process). Zeroed = nothing happened yet. */
struct rule_progress {
    uint64_t seen_usec;                /* last evaluation, monotonic; 0 = never */
    uint64_t since_usec;               /* the condition holds since then; meaningful when holds */
    uint64_t fired_usec;               /* last firing; meaningful when fired */
    uint64_t window;                   /* `for D of W`: a bit for each part, the newest lowest */
    uint64_t due_usec;                 /* when the next stage may come; meaningful when stage > 0 */
    uint32_t times[RULES_TIMES_LIMIT]; /* firings, newest first, in tenths of a second; 0 = none */
    uint64_t identity;                 /* the texts for which the two words below are true */
    uint32_t texts_known, texts_true;  /* one bit for each comparison with text */
    uint32_t exec_count;
    uint16_t part_ticks; /* of the newest part of the window, which is not whole yet */
    uint8_t stage;       /* the next one that waits for its time; 0 = none */
    uint8_t fired_stage; /* the one that fired last */
    bool holds, fired;
    bool part_holds; /* at every tick of the newest part */
    bool waits;      /* for `until` */
};

enum rule_outcome {
    RULE_IDLE,    /* the condition does not hold, or is unknown */
    RULE_PENDING, /* it holds, not yet for long enough */
    RULE_FIRE,    /* now; progress->fired_usec is set */
    RULE_COOLING, /* it would fire, but did so often enough, or `until` has not held since */
    RULE_BARRED,  /* it would fire, but not at this hour, or `only when` does not hold */
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
 * an exec breaks `for D`; in `for D of W` what was missed did not hold. After RULE_FIRE
 * progress->fired_stage says which steps are due: 0 are those of `then`; an `if still after` comes
 * when the condition held without a break since. Values that were read too long ago are
 * unknown: 2.5 periods for what is read each tick, 1 min for the slow pass and control groups, 5
 * min for the probe and the agent.
 */
enum rule_outcome rule_evaluate(const struct rule *rule, const struct rule_subject *subject,
                                struct rule_progress *progress, uint64_t now_usec);
/* Forget a firing that came to nothing, so that the cool-down does not bind the next one; a later
 * stage is due again. */
void rule_unfire(struct rule_progress *progress);
/* Forget the whole of it, whatever stage it had come to. */
void rule_forget(struct rule_progress *progress);

/* "collect, trim" */
#define RULES_STEPS_SIZE 128
void rules_format_steps(const enum step_kind *steps, size_t count,
                        char ret_text[static RULES_STEPS_SIZE]);
/* "collect, trim; still after 2m: hooks" */
#define RULES_PLAN_SIZE ((size_t)RULES_STAGE_LIMIT * (RULES_STEPS_SIZE + 32))
void rules_format_plan(const struct rule *rule, char ret_text[static RULES_PLAN_SIZE]);

#endif
