/* SPDX-License-Identifier: MIT */
/*
 * The text of the kernel's records about OOM kills. Pure.
 */
#include "collect/kmsg.h"

#include "base/text.h"
#include "collect/keyed.h"

#include <string.h>

/* A dump of a large task list on a slow console takes seconds between context and kill. */
#define KMSG_CONTEXT_USEC (UINT64_C(30) * 1000000)
/* Those of a group that is killed as a whole follow each other at once. */
#define KMSG_GROUP_USEC (UINT64_C(1) * 1000000)

#define KMSG_KILO 1024

static const char *const constraint_names[OOM_CONSTRAINT_COUNT] = {
    [OOM_CONSTRAINT_UNKNOWN] = "",
    [OOM_CONSTRAINT_NONE] = "none",
    [OOM_CONSTRAINT_MEMCG] = "memcg",
    [OOM_CONSTRAINT_CPUSET] = "cpuset",
    [OOM_CONSTRAINT_MEMPOLICY] = "mempolicy",
};

const char *oom_constraint_name(enum oom_constraint constraint)
{
    return constraint_names[constraint];
}

/* A part of the text that is looked at. */
struct span {
    const char *at, *end;
};

static bool span_skip(struct span *span, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(span->end - span->at) < length || memcmp(span->at, word, length) != 0)
        return false;
    span->at += length;
    return true;
}

static bool span_number(struct span *span, uint64_t *ret_value)
{
    size_t used;
    if (text_scan_u64(span->at, (size_t)(span->end - span->at), ret_value, &used) < 0)
        return false;
    span->at += used;
    return true;
}

static bool span_pid(struct span *span, pid_t *ret_pid)
{
    uint64_t pid;
    if (!span_number(span, &pid) || pid == 0 || pid > INT32_MAX)
        return false;
    *ret_pid = (pid_t)pid;
    return true;
}

/* Where the last `word` begins; NULL. Names may hold anything, also what looks like the text around
 * them: what the kernel wrote behind a name is the last of its kind, what it wrote before one the
 * first. */
static const char *span_last(const struct span *span, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(span->end - span->at) < length)
        return NULL;
    for (const char *at = span->end - length; at >= span->at; at--)
        if (memcmp(at, word, length) == 0)
            return at;
    return NULL;
}

static const char *span_first(const struct span *span, const char *word)
{
    return memmem(span->at, (size_t)(span->end - span->at), word, strlen(word));
}

/* "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),...,task_memcg=/a,task=x,pid=1,uid=0" */
static bool parse_context(struct span text, struct kmsg_record *record)
{
    static const struct {
        const char *word;
        enum oom_constraint constraint;
    } constraints[] = {
        {"CONSTRAINT_NONE,", OOM_CONSTRAINT_NONE},
        {"CONSTRAINT_MEMCG,", OOM_CONSTRAINT_MEMCG},
        {"CONSTRAINT_CPUSET,", OOM_CONSTRAINT_CPUSET},
        {"CONSTRAINT_MEMORY_POLICY,", OOM_CONSTRAINT_MEMPOLICY},
    };
    static const char cgroup[] = ",task_memcg=";
    if (!span_skip(&text, "oom-kill:constraint="))
        return false;
    for (size_t i = 0; i < sizeof(constraints) / sizeof(constraints[0]); i++)
        if (span_skip(&text, constraints[i].word))
            record->constraint = constraints[i].constraint;
    const char *pid = span_last(&text, ",pid=");
    struct span number = {pid ? pid + strlen(",pid=") : NULL, text.end};
    if (!pid || !span_pid(&number, &record->pid))
        return false;
    text.end = pid;
    const char *begin = span_first(&text, cgroup), *end = span_last(&text, ",task=");
    if (begin && end && begin + strlen(cgroup) < end) {
        begin += strlen(cgroup);
        text_clean(record->cgroup, sizeof(record->cgroup), begin, (size_t)(end - begin));
    }
    record->kind = KMSG_CONTEXT;
    return true;
}

/*
 * "Task in /a/b killed as a result of limit of /a" up to Linux 4.20; "Tasks in /a are going to be
 * killed due to memory.oom.group set" since 4.19.
 */
static bool parse_tasks(struct span text, struct kmsg_record *record)
{
    static const struct {
        const char *before, *behind;
        enum kmsg_kind kind;
    } forms[] = {
        {"Task in ", " killed as a result of limit of ", KMSG_CONTEXT},
        {"Tasks in ", " are going to be killed due to memory.oom.group set", KMSG_GROUP},
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct span path = text;
        if (!span_skip(&path, forms[i].before))
            continue;
        const char *end = span_last(&path, forms[i].behind);
        if (!end || end == path.at || *path.at != '/')
            return false;
        text_clean(record->cgroup, sizeof(record->cgroup), path.at, (size_t)(end - path.at));
        record->constraint = OOM_CONSTRAINT_MEMCG;
        record->kind = forms[i].kind;
        return true;
    }
    return false;
}

/* "total-vm:1kB, anon-rss:2kB, file-rss:3kB, shmem-rss:4kB": the sum of the last three. */
static int64_t parse_rss(struct span text)
{
    static const char *const keys[] = {"anon-rss:", "file-rss:", "shmem-rss:"};
    uint64_t sum = 0, value;
    if (!span_skip(&text, "total-vm:") || !span_number(&text, &value) || !span_skip(&text, "kB"))
        return -1;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (!span_skip(&text, ", ") || !span_skip(&text, keys[i]) || !span_number(&text, &value) ||
            !span_skip(&text, "kB") || value > KEYED_VALUE_MAX / KMSG_KILO)
            return -1;
        sum += value * KMSG_KILO;
    }
    return (int64_t)sum;
}

/*
 * "Killed process 1 (x) total-vm:..." up to Linux 5.0, "Memory cgroup out of memory: Killed
 * process ..." or "Out of memory: Killed process ..." since then, and what announces it in the old
 * ones: "Memory cgroup out of memory: Kill process 1 (x) score 1 or sacrifice child".
 */
static bool parse_killed(struct span text, struct kmsg_record *record)
{
    static const char *const prefixes[] = {
        "Memory cgroup out of memory: ",
        "Out of memory (oom_kill_allocating_task): ",
        "Out of memory: ",
    };
    bool old = true;
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]) && old; i++) {
        old = !span_skip(&text, prefixes[i]);
        if (!old && i == 0)
            record->constraint = OOM_CONSTRAINT_MEMCG;
    }
    if (!old && span_skip(&text, "Kill process ")) {
        /* Its child may be killed instead. */
        record->kind = KMSG_CONTEXT;
        return true;
    }
    if (!span_skip(&text, "Killed process ") || !span_pid(&text, &record->pid) ||
        !span_skip(&text, " ("))
        return false;
    const char *end = span_last(&text, ") total-vm:");
    if (!end)
        return false;
    text_clean(record->comm, sizeof(record->comm), text.at, (size_t)(end - text.at));
    record->elsewhere = !old && record->constraint != OOM_CONSTRAINT_MEMCG;
    record->rss_bytes = parse_rss((struct span){end + strlen(") "), text.end});
    record->kind = KMSG_KILLED;
    return true;
}

static int unescape_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The kernel writes backslashes and what is not printable as \xNN. Returns the new length. */
static size_t unescape(char *text, size_t length)
{
    size_t out = 0;
    for (size_t in = 0; in < length; in++) {
        int high = -1, low = -1;
        if (text[in] == '\\' && length - in >= 4 && text[in + 1] == 'x') {
            high = unescape_digit(text[in + 2]);
            low = unescape_digit(text[in + 3]);
        }
        if (high >= 0 && low >= 0) {
            text[out++] = (char)(high * 16 + low);
            in += 3;
        } else {
            text[out++] = text[in];
        }
    }
    return out;
}

/* "3,1234,567890,-;" and perhaps more fields; false when it is none. */
static bool parse_prefix(struct span *text, uint64_t *ret_priority, struct kmsg_record *record)
{
    const char *semicolon = memchr(text->at, ';', (size_t)(text->end - text->at));
    if (!semicolon || !span_number(text, ret_priority) || !span_skip(text, ",") ||
        !span_number(text, &record->sequence) || !span_skip(text, ",") ||
        !span_number(text, &record->usec) || text->at > semicolon)
        return false;
    text->at = semicolon + 1;
    return true;
}

bool kmsg_parse(char *text, size_t length, struct kmsg_record *ret_record)
{
    struct kmsg_record record = {.rss_bytes = -1};
    uint64_t priority;
    const char *newline = memchr(text, '\n', length);
    struct span all = {text, newline ? newline : text + length};
    if (!parse_prefix(&all, &priority, &record))
        return false;
    /* The upper bits are who wrote it: 0 is the kernel, which lets nobody else be 0. */
    if (priority < 8) {
        char *message = text + (all.at - text);
        struct span span = {message, message + unescape(message, (size_t)(all.end - all.at))};
        struct kmsg_record found = record;
        if (parse_context(span, &found) || parse_tasks(span, &found) || parse_killed(span, &found))
            record = found;
    }
    *ret_record = record;
    return true;
}

static void follow_context(struct kmsg_follower *follower, const struct kmsg_record *record)
{
    struct kmsg_record *context = &follower->context;
    bool announces = record->kind == KMSG_CONTEXT && record->pid == 0 && !record->cgroup[0];
    bool memcg = context->constraint == OOM_CONSTRAINT_MEMCG;
    /* What announces a kill knows less than what came just before, if that was the same kill's. */
    if (announces && context->kind == KMSG_CONTEXT &&
        memcg == (record->constraint == OOM_CONSTRAINT_MEMCG) &&
        record->usec <= context->usec + KMSG_CONTEXT_USEC)
        return;
    *context = *record;
}

static bool follow_fits(const struct kmsg_record *context, const struct kmsg_record *kill)
{
    uint64_t age = context->kind == KMSG_GROUP ? KMSG_GROUP_USEC : KMSG_CONTEXT_USEC;
    if (context->kind == KMSG_OTHER || kill->usec > context->usec + age)
        return false;
    return context->pid == kill->pid || (context->pid == 0 && !kill->elsewhere);
}

bool kmsg_follow(struct kmsg_follower *follower, struct kmsg_record *record)
{
    struct kmsg_record *context = &follower->context;
    if (record->kind == KMSG_CONTEXT || record->kind == KMSG_GROUP)
        follow_context(follower, record);
    if (record->kind != KMSG_KILLED)
        return false;
    if (!follow_fits(context, record))
        return true;
    if (record->constraint == OOM_CONSTRAINT_UNKNOWN)
        record->constraint = context->constraint;
    text_copy(record->cgroup, sizeof(record->cgroup), context->cgroup);
    if (context->kind == KMSG_CONTEXT)
        *context = (struct kmsg_record){0};
    return true;
}
