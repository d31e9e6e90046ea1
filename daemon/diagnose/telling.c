/* SPDX-License-Identifier: MIT */
#include "diagnose/telling.h"

#include "diagnose/phrase.h"

/* gc.DEBUG_SAVEALL */
#define TELLING_SAVEALL 32
/* A trim that is expected to give so small a part has met pages with live blocks. */
#define TELLING_STUCK 4

static int pid_of(const struct facts *facts)
{
    return (int)facts->evidence->process->id.pid;
}

static const char only_agent[] =
    "tell from outside whether memory inside malloc is in use; the in-process agent can";

void tell_unknown(const struct facts *facts, struct verdict *verdict)
{
    static const enum layer lines[] = {LAYER_HEAP, LAYER_ARENAS, LAYER_LARGE, LAYER_ANON,
                                       LAYER_UNEXPLAINED};
    enum layer largest = LAYER_UNEXPLAINED;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (facts_line(facts, lines[i]) > facts_line(facts, largest))
            largest = lines[i];
    if (facts_line(facts, largest) * 2 > facts->rss_bytes)
        phrase_sentence(verdict, "Not known: most of it, %s, is in %s.",
                        phrase_bytes(facts_line(facts, largest)).text, layer_info(largest)->what);
    else
        phrase_sentence(verdict, "Not known: no single cause holds a large part of its %s.",
                        phrase_bytes(facts->rss_bytes).text);
    if (facts->evidence->pools_stale)
        phrase_line(verdict, "Python's pools are being counted anew; ask again in some seconds");
    if (facts->has_agent) {
        phrase_no_step(verdict, "advise a step while the cause is not known");
        phrase_next(verdict, "memtend heap %d", pid_of(facts));
    } else {
        phrase_no_step(verdict, only_agent);
        phrase_next_agent(facts, verdict);
    }
    verdict->has_prediction = false;
}

void tell_swapped(const struct facts *facts, struct verdict *verdict)
{
    phrase_sentence(verdict, "Most of it is in swap: %s there, %s in memory.",
                    phrase_bytes(facts->ledger->swap_bytes).text,
                    phrase_bytes(facts->rss_bytes).text);
    phrase_no_step(verdict, "bring it back sooner: pages come back when they are used");
    phrase_next(verdict, "memtend host");
}

void tell_small(const struct facts *facts, struct verdict *verdict)
{
    phrase_sentence(verdict, "Nothing notable: it holds %s.", phrase_bytes(facts->rss_bytes).text);
    phrase_no_step(verdict, "there is little to give back");
}

void tell_neighbour(const struct facts *facts, struct verdict *verdict)
{
    const struct evidence_neighbour *neighbour = &facts->evidence->neighbour;
    const char *flag = neighbour->limit_flag ? neighbour->limit_flag : "its own limit";
    if (neighbour->has_limit)
        phrase_sentence(verdict, "%s fills memory up to %s, here %s: an RSS of %s is normal.",
                        neighbour->runtime, flag, phrase_bytes(neighbour->limit_bytes).text,
                        phrase_bytes(facts->rss_bytes).text);
    else
        phrase_sentence(verdict, "%s fills memory up to a limit of its own; %s sets it.",
                        neighbour->runtime, flag);
    phrase_no_step(verdict, "look into or trim this runtime's heap: its limit is what decides");
}

void tell_copied(const struct facts *facts, struct verdict *verdict)
{
    phrase_sentence(verdict, "A forked worker: %s that it shared with its master it has copied.",
                    phrase_bytes(verdict->bytes).text);
    phrase_line(verdict, "writing to a shared object, or counting its references, copies its page");
    if (!facts->python || facts->python2) {
        phrase_no_step(verdict, "share again what has been copied; only a new worker does");
        return;
    }
    phrase_step(facts, VERDICT_STEP_FREEZE, verdict);
    phrase_next(verdict, "MEMTEND_FREEZE=1 memtend run -- COMMAND");
}

void tell_family_shared(const struct facts *facts, struct verdict *verdict)
{
    const struct evidence_family *family = &facts->evidence->family;
    phrase_sentence(verdict,
                    "%s of it are shared in its family of %u: the machine holds them once.",
                    phrase_bytes(verdict->bytes).text, family->members);
    phrase_no_step(verdict, "give the machine pages back that a relative holds too");
}

void tell_garbage_kept(const struct facts *facts, struct verdict *verdict)
{
    int64_t count = 0, debug[3] = {0};
    sample_get(&facts->evidence->process->sample, METRIC_PY_GC_GARBAGE, &count);
    facts_agent_numbers(facts->evidence->agent, "gc", "debug", debug);
    bool saveall = debug[0] & TELLING_SAVEALL;
    phrase_sentence(verdict, "gc.garbage holds %lld objects that nothing else refers to%s.",
                    (long long)count, saveall ? ", because gc.DEBUG_SAVEALL is set" : "");
    phrase_line(verdict, "%s: about %s with what they hold",
                saveall ? "gc.set_debug(0) and gc.garbage.clear() in the program free them"
                        : "only the program can break these cycles and clear gc.garbage",
                phrase_bytes(verdict->bytes).text);
    phrase_no_step(verdict, "empty gc.garbage: a collection leaves alone what is in it");
    phrase_next(verdict, "memtend census %d --mode suspects", pid_of(facts));
}

void tell_uncollected(const struct facts *facts, struct verdict *verdict)
{
    phrase_sentence(verdict,
                    "%s: up to %s of Python objects that it has never looked at; dead cycles "
                    "among them stay.",
                    facts->gc_enabled ? "The collector comes by rarely"
                                      : "The garbage collector is off",
                    phrase_bytes(verdict->bytes).text);
    if (facts->has_objects)
        phrase_line(verdict, "%lld objects made since the last full collection, of about %lld",
                    (long long)facts->young_objects, (long long)facts->all_objects);
    else
        phrase_line(verdict, "%lld objects made since the last full collection",
                    (long long)facts->young_objects);
    phrase_step(facts, VERDICT_STEP_FREE, verdict);
}

void tell_malloc_keeps(const struct facts *facts, struct verdict *verdict)
{
    const struct layers *layers = facts->evidence->layers;
    const struct prediction *trim = facts->evidence->trim;
    bool stuck = trim && trim->high_bytes < verdict->bytes / TELLING_STUCK;
    phrase_sentence(verdict, "malloc keeps %s that the program has freed (%d %% of RSS)%s.",
                    phrase_bytes(verdict->bytes).text, phrase_percent(facts, verdict->bytes),
                    stuck ? ", in pages that a trim has left or cannot get" : "");
    phrase_line(verdict, "malloc: %s in use, %s free and in memory",
                phrase_bytes(facts_line(facts, LAYER_MALLOC_USED)).text,
                phrase_bytes(verdict->bytes).text);
    if (layers && layers->rss[MAPPING_KIND_ARENA] > facts->malloc_places / 2)
        phrase_line(verdict,
                    "%u arenas of threads; MALLOC_ARENA_MAX=2 in its environment means "
                    "fewer",
                    layers->arenas);
    if (stuck)
        phrase_recycle(verdict);
    else
        phrase_step(facts, VERDICT_STEP_TRIM, verdict);
}

static void tell_pools(const struct facts *facts, struct verdict *verdict)
{
    phrase_line(verdict,
                "pools of pymalloc: %s in live objects, %s free between them, %s in free "
                "pools",
                phrase_bytes(facts_line(facts, LAYER_PY_USED)).text,
                phrase_bytes(facts_line(facts, LAYER_PY_PINNED)).text,
                phrase_bytes(facts_line(facts, LAYER_PY_FREE)).text);
}

void tell_pools_pinned(const struct facts *facts, struct verdict *verdict)
{
    phrase_sentence(verdict,
                    "%s (%d %% of RSS) are free blocks in pools that live Python objects pin: no "
                    "step gives them back.",
                    phrase_bytes(verdict->bytes).text, phrase_percent(facts, verdict->bytes));
    tell_pools(facts, verdict);
    phrase_recycle(verdict);
    if (facts->has_agent)
        phrase_next(verdict, "memtend heap %d", pid_of(facts));
}

void tell_pools_free(const struct facts *facts, struct verdict *verdict)
{
    phrase_sentence(verdict,
                    "%s (%d %% of RSS) are pools without a live object: Python keeps them for new "
                    "ones and returns only whole arenas.",
                    phrase_bytes(verdict->bytes).text, phrase_percent(facts, verdict->bytes));
    tell_pools(facts, verdict);
    phrase_recycle(verdict);
    if (facts->has_agent)
        phrase_next(verdict, "memtend heap %d", pid_of(facts));
}

/* Python 2 keeps freed numbers in lists that only a full collection empties, then a trim. */
void tell_python_objects(const struct facts *facts, struct verdict *verdict)
{
    const char *bytes = facts->has_malloc ? "with what they hold in malloc" : "up to 512 bytes";
    phrase_sentence(verdict, "%s (%d %% of RSS) are Python objects in use, %s%s.",
                    phrase_bytes(verdict->bytes).text, phrase_percent(facts, verdict->bytes), bytes,
                    verdict->confidence == VERDICT_CONFIDENCE_LOW
                        ? "; some may be dead and not yet collected"
                        : "");
    tell_pools(facts, verdict);
    phrase_no_step(verdict, "free what the program still refers to: neither collect nor trim can");
    if (facts->python2) {
        phrase_line(verdict,
                    "freed numbers that Python 2 keeps count as in use; collect shows them");
        phrase_step(facts, VERDICT_STEP_FREE, verdict);
    } else if (facts->has_agent) {
        phrase_next(verdict, "memtend census %d", pid_of(facts));
    } else {
        phrase_next_agent(facts, verdict);
    }
}

void tell_malloc_used(const struct facts *facts, struct verdict *verdict)
{
    phrase_sentence(verdict, "%s (%d %% of RSS) the program has from malloc and has not freed.",
                    phrase_bytes(verdict->bytes).text, phrase_percent(facts, verdict->bytes));
    phrase_line(verdict, "malloc: %s in use, %s free and in memory",
                phrase_bytes(facts_line(facts, LAYER_MALLOC_USED)).text,
                phrase_bytes(facts_line(facts, LAYER_MALLOC_FREE)).text);
    phrase_no_step(verdict, "free what the program has not freed: a trim returns free pages only");
    phrase_next(verdict, "memtend heap %d", pid_of(facts));
}

void tell_arenas(const struct facts *facts, struct verdict *verdict)
{
    phrase_sentence(verdict,
                    "%s (%d %% of RSS) are in %u arenas that malloc made for threads; how much of "
                    "it is free cannot be seen from outside.",
                    phrase_bytes(verdict->bytes).text, phrase_percent(facts, verdict->bytes),
                    facts->evidence->layers->arenas);
    phrase_line(verdict, "MALLOC_ARENA_MAX=2 in its environment means fewer arenas");
    phrase_no_step(verdict, only_agent);
    verdict->has_prediction = false;
    phrase_next_agent(facts, verdict);
}

void tell_stacks(const struct facts *facts, struct verdict *verdict)
{
    phrase_sentence(verdict, "%s (%d %% of RSS) are the stacks of its threads.",
                    phrase_bytes(verdict->bytes).text, phrase_percent(facts, verdict->bytes));
    int64_t threads;
    if (sample_get(&facts->evidence->process->sample, METRIC_THREADS, &threads))
        phrase_line(verdict, "%lld threads; a stack keeps its deepest extent until its thread ends",
                    (long long)threads);
    phrase_no_step(verdict, "shrink the stack of a running thread");
}

void tell_files(const struct facts *facts, struct verdict *verdict)
{
    phrase_sentence(verdict,
                    "%s (%d %% of RSS) are mapped files: cache that the kernel drops by itself "
                    "when memory is short.",
                    phrase_bytes(verdict->bytes).text, phrase_percent(facts, verdict->bytes));
    phrase_no_step(verdict, "there is nothing to free: these pages are in the files too");
    phrase_next(verdict, "memtend host");
}

void tell_shmem(const struct facts *facts, struct verdict *verdict)
{
    phrase_sentence(verdict,
                    "%s (%d %% of RSS) are shared memory: it stays until everybody has unmapped it "
                    "and its file is removed.",
                    phrase_bytes(verdict->bytes).text, phrase_percent(facts, verdict->bytes));
    phrase_no_step(verdict, "free shared memory: without swap the kernel cannot drop it either");
}

void tell_large_mapping(const struct facts *facts, struct verdict *verdict)
{
    const struct layers_large *large = &facts->evidence->layers->large[0];
    phrase_sentence(verdict,
                    "%s (%d %% of RSS) are in one anonymous mapping: a large buffer, several side "
                    "by side%s.",
                    phrase_bytes(verdict->bytes).text, phrase_percent(facts, verdict->bytes),
                    facts->has_malloc ? "" : ", or a heap of a runtime or allocator");
    if (large->born_usec && facts->evidence->now_usec > large->born_usec)
        phrase_line(verdict, "the mapping is %s large and was first seen %s ago",
                    phrase_bytes(large->size_bytes).text,
                    phrase_span(facts->evidence->now_usec - large->born_usec).text);
    phrase_no_step(verdict, "free a mapping that the program has made and not unmapped");
    if (!facts->has_agent)
        phrase_next_agent(facts, verdict);
}

void tell_huge_pages(const struct facts *facts, struct verdict *verdict)
{
    phrase_sentence(verdict,
                    "%s (%d %% of RSS) are in huge pages: each of 2 MiB is in memory whole, even "
                    "when little of it was touched.",
                    phrase_bytes(facts->ledger->huge_bytes).text,
                    phrase_percent(facts, facts->ledger->huge_bytes));
    phrase_no_step(verdict, "split huge pages; /sys/kernel/mm/transparent_hugepage says when the "
                            "kernel gives them");
    verdict->has_prediction = false;
}

/* Below a tenth it is no news, and in less than this a program is starting up. */
#define TELLING_GROWTH_SHARE 1000
#define TELLING_GROWTH_USEC  UINT64_C(10000000)
#define TELLING_HUGE_SHARE   2500

/* The kind of mapping that most of the growth is in; NULL: it is spread. */
static const char *grown_kind(const struct evidence *evidence, int64_t growth)
{
    for (enum mapping_kind kind = 0; kind < MAPPING_KIND_COUNT; kind++)
        if ((evidence->layers->rss[kind] - evidence->layers_before->rss[kind]) * 2 > growth)
            return mapping_kind_info(kind)->what;
    return NULL;
}

/* False: too little, or in too short a time. */
static bool is_growth(const struct facts *facts, int64_t growth, uint64_t before_usec)
{
    return before_usec != 0 && before_usec + TELLING_GROWTH_USEC <= facts->evidence->now_usec &&
           growth > 0 && facts_is_share(facts, growth, TELLING_GROWTH_SHARE);
}

static bool beside_layers(const struct facts *facts, struct verdict *verdict)
{
    const struct evidence *evidence = facts->evidence;
    const struct layers_past *before = evidence->layers_before;
    if (!before || !evidence->layers)
        return false;
    int64_t growth = evidence->layers->rss_bytes - before->rss_bytes;
    if (!is_growth(facts, growth, before->mono_usec))
        return false;
    const char *kind = grown_kind(evidence, growth);
    phrase_line(verdict, "grown by %s in the last %s%s%s", phrase_bytes(growth).text,
                phrase_span(evidence->now_usec - before->mono_usec).text,
                kind ? ", most of it in " : "", kind ? kind : "");
    return true;
}

static void beside_growth(const struct facts *facts, struct verdict *verdict)
{
    const struct evidence *evidence = facts->evidence;
    int64_t growth = facts->rss_bytes - evidence->rss_before_bytes;
    if (!beside_layers(facts, verdict) && evidence->has_before &&
        is_growth(facts, growth, evidence->before_usec))
        phrase_line(verdict, "grown by %s in the last %s", phrase_bytes(growth).text,
                    phrase_span(evidence->now_usec - evidence->before_usec).text);
}

static void beside_limit(const struct facts *facts, struct verdict *verdict)
{
    const struct cgroup *cgroup = facts->evidence->cgroup;
    int64_t needed, limit, headroom;
    if (!cgroup || !cgroup->limit_path[0] || !cgroup_get(cgroup, CGROUP_VALUE_NEEDED, &needed) ||
        !cgroup_get(cgroup, CGROUP_VALUE_LIMIT, &limit) ||
        !cgroup_get(cgroup, CGROUP_VALUE_HEADROOM, &headroom))
        return;
    phrase_line(verdict, "its control group needs %s of %s: %s left before the OOM killer",
                phrase_bytes(needed).text, phrase_bytes(limit).text, phrase_bytes(headroom).text);
}

static void beside_family(const struct facts *facts, struct verdict *verdict)
{
    const struct evidence_family *family = &facts->evidence->family;
    if (family->members < 2 || !family->has_pss)
        return;
    phrase_line(verdict, "its family of %u holds %s in all, shared pages counted once",
                family->members, phrase_bytes(family->pss_bytes).text);
}

static void beside_huge(const struct facts *facts, struct verdict *verdict)
{
    int64_t huge = facts->ledger->huge_bytes;
    if (verdict->cause != VERDICT_HUGE_PAGES && facts_is_share(facts, huge, TELLING_HUGE_SHARE))
        phrase_line(verdict, "%s of it in huge pages of 2 MiB, in memory whole",
                    phrase_bytes(huge).text);
}

static void beside_swap(const struct facts *facts, struct verdict *verdict)
{
    int64_t swap = facts->ledger->swap_bytes;
    if (verdict->cause != VERDICT_SWAPPED && facts_is_share(facts, swap, TELLING_GROWTH_SHARE))
        phrase_line(verdict, "%s more of it in swap", phrase_bytes(swap).text);
}

static void beside_part(const struct facts *facts, struct verdict *verdict)
{
    if (!facts->ledger->whole)
        phrase_line(verdict, "its mappings have not been read: only anonymous, file and shared "
                             "memory are told apart");
}

void tell_beside(const struct facts *facts, struct verdict *verdict)
{
    static void (*const tellers[])(const struct facts *facts, struct verdict *verdict) = {
        beside_limit, beside_growth, beside_family, beside_part, beside_swap, beside_huge,
    };
    for (size_t i = 0; i < sizeof(tellers) / sizeof(tellers[0]); i++)
        tellers[i](facts, verdict);
}
