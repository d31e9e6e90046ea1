/* SPDX-License-Identifier: MIT */
#include "rules/evaluate.h"

#include "rules/program.h"

#include <string.h>

/* The slow pass comes every 10 s at the latest; six of them missed mean that nobody can read it. */
#define EVALUATE_SLOW_AGE_USEC UINT64_C(60000000)
/* Probe and agent slow down under their budgets; older values say nothing about now. */
#define EVALUATE_DEEP_AGE_USEC UINT64_C(300000000)

/* A tick that comes later than this after the last one has missed something. */
#define EVALUATE_GAP_NUMERATOR   5
#define EVALUATE_GAP_DENOMINATOR 2

uint64_t evaluate_gap_usec(uint64_t period_usec)
{
    return period_usec * EVALUATE_GAP_NUMERATOR / EVALUATE_GAP_DENOMINATOR;
}

static uint64_t evaluate_oldest(const struct rule_subject *subject, enum metric_source source)
{
    switch (source) {
    case METRIC_SOURCE_STAT:
    case METRIC_SOURCE_SLOW:
    case METRIC_SOURCE_CGROUP:
        return EVALUATE_SLOW_AGE_USEC;
    case METRIC_SOURCE_DEEP:
    case METRIC_SOURCE_AGENT:
    case METRIC_SOURCE_POOLS:
        return EVALUATE_DEEP_AGE_USEC;
    case METRIC_SOURCE_FAST:
    case METRIC_SOURCE_HOST:
    case METRIC_SOURCE_DERIVED:
        break;
    }
    return evaluate_gap_usec(subject->period_usec);
}

static bool evaluate_operand(const struct evaluate *evaluate, const struct rule_operand *operand,
                             int64_t *ret_value)
{
    if (operand->literal) {
        *ret_value = operand->value;
        return true;
    }
    const struct rule_subject *subject = evaluate->subject;
    const struct metric_info *info = metric_info(operand->metric);
    const struct sample *sample =
        info->scope == METRIC_SCOPE_HOST ? subject->host : &subject->process->sample;
    int64_t value;
    if (!evaluate->progress || !sample || !sample_get(sample, operand->metric, &value))
        return false;
    uint64_t read_usec = sample_time(sample, operand->metric);
    if (evaluate->now_usec > read_usec &&
        evaluate->now_usec - read_usec > evaluate_oldest(subject, info->source))
        return false;
    int64_t hundredth = value / 10000, rest = value % 10000;
    if (operand->value != 10000 &&
        (__builtin_mul_overflow(hundredth, operand->value, &hundredth) ||
         __builtin_add_overflow(hundredth, rest * operand->value / 10000, &value)))
        return false;
    *ret_value = value;
    return true;
}

static bool evaluate_sign(enum lexer_operator sign, int64_t left, int64_t right)
{
    switch (sign) {
    case LEXER_LESS:
        return left < right;
    case LEXER_LESS_EQUAL:
        return left <= right;
    case LEXER_GREATER:
        return left > right;
    case LEXER_GREATER_EQUAL:
        return left >= right;
    case LEXER_NOT_EQUAL:
        return left != right;
    case LEXER_EQUAL:
    case LEXER_MATCH:
    case LEXER_NOT_MATCH:
        break;
    }
    return left == right;
}

static enum truth evaluate_compare(const struct evaluate *evaluate, const struct rule_op *op)
{
    int64_t left, right;
    if (!evaluate_operand(evaluate, &op->left, &left) ||
        !evaluate_operand(evaluate, &op->right, &right))
        return TRUTH_UNKNOWN;
    return evaluate_sign(op->sign, left, right) ? TRUTH_TRUE : TRUTH_FALSE;
}

/* Empty is absent: no unit, no name given, a command line that nobody has read (yet). */
static const char *evaluate_field(const struct rule_subject *subject, enum words_field field)
{
    const char *text = NULL;
    switch (field) {
    case WORDS_COMM:
        text = subject->process->comm;
        break;
    case WORDS_CMDLINE:
        text = subject->full_cmdline;
        break;
    case WORDS_UNIT:
        text = subject->process->unit;
        break;
    case WORDS_NAME:
        text = subject->process->name;
        break;
    case WORDS_FIELD_COUNT:
        break;
    }
    return text && *text ? text : NULL;
}

static bool evaluate_match(const struct rule_op *op, const char *text)
{
    bool same = op->regex ? regexec(op->regex, text, 0, NULL, 0) == 0 : strcmp(op->text, text) == 0;
    return same == (op->sign == LEXER_EQUAL || op->sign == LEXER_MATCH);
}

static enum truth evaluate_text(const struct evaluate *evaluate, const struct rule_op *op)
{
    uint32_t bit = UINT32_C(1) << op->text_index;
    struct rule_progress *progress = evaluate->progress;
    if (progress && progress->texts_known & bit)
        return progress->texts_true & bit ? TRUTH_TRUE : TRUTH_FALSE;
    const char *text = evaluate_field(evaluate->subject, op->field);
    if (!text)
        return TRUTH_UNKNOWN;
    bool match = evaluate_match(op, text);
    if (progress) {
        progress->texts_known |= bit;
        progress->texts_true |= match ? bit : 0;
    }
    return match ? TRUTH_TRUE : TRUTH_FALSE;
}

static enum truth evaluate_and(enum truth a, enum truth b)
{
    if (a == TRUTH_FALSE || b == TRUTH_FALSE)
        return TRUTH_FALSE;
    return a == TRUTH_TRUE && b == TRUTH_TRUE ? TRUTH_TRUE : TRUTH_UNKNOWN;
}

static enum truth evaluate_not(enum truth a)
{
    if (a == TRUTH_UNKNOWN)
        return TRUTH_UNKNOWN;
    return a == TRUTH_TRUE ? TRUTH_FALSE : TRUTH_TRUE;
}

enum truth evaluate_program(const struct evaluate *evaluate, const struct rule_program *program)
{
    enum truth stack[PROGRAM_STACK] = {TRUTH_TRUE};
    size_t top = 0; /* values on the stack */
    for (size_t i = 0; i < program->count; i++) {
        const struct rule_op *op = &program->ops[i];
        switch (op->kind) {
        case RULE_OP_COMPARE:
            stack[top++] = evaluate_compare(evaluate, op);
            break;
        case RULE_OP_TEXT:
            stack[top++] = evaluate_text(evaluate, op);
            break;
        case RULE_OP_AND:
            top--;
            stack[top - 1] = evaluate_and(stack[top - 1], stack[top]);
            break;
        case RULE_OP_OR: /* not (not a and not b) */
            top--;
            stack[top - 1] =
                evaluate_not(evaluate_and(evaluate_not(stack[top - 1]), evaluate_not(stack[top])));
            break;
        case RULE_OP_NOT:
            stack[top - 1] = evaluate_not(stack[top - 1]);
            break;
        }
    }
    return stack[0];
}

/* Eight bytes at a time: this runs for every process at every tick. */
static uint64_t evaluate_hash(uint64_t hash, const char *text)
{
    size_t length = strlen(text);
    hash = (hash ^ length) * UINT64_C(0x9E3779B97F4A7C15);
    for (; length >= sizeof(uint64_t); length -= sizeof(uint64_t), text += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, text, sizeof(word));
        hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 32;
    }
    uint64_t last = 0;
    memcpy(&last, text, length);
    hash = (hash ^ last) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 32;
}

uint64_t rule_identity(const struct process *process, const char *full_cmdline)
{
    uint64_t hash = evaluate_hash(process->exec_count, process->comm);
    hash = evaluate_hash(hash, process_name(process));
    hash = evaluate_hash(hash, process_unit(process));
    hash = evaluate_hash(hash, full_cmdline ? full_cmdline : "");
    return hash ? hash : 1; /* 0 is a progress that has seen nothing */
}

bool rule_excludes(const struct rule *rule, const struct rule_subject *subject)
{
    struct evaluate evaluate = {.subject = subject};
    return evaluate_program(&evaluate, &rule->where) == TRUTH_FALSE;
}

enum truth rule_where(const struct rule *rule, const struct rule_subject *subject,
                      struct rule_progress *progress, uint64_t now_usec)
{
    if (progress->identity != subject->identity) {
        progress->identity = subject->identity;
        progress->texts_known = 0;
        progress->texts_true = 0;
    }
    struct evaluate evaluate = {.subject = subject, .progress = progress, .now_usec = now_usec};
    return evaluate_program(&evaluate, &rule->where);
}
