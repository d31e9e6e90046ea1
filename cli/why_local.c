/* SPDX-License-Identifier: MIT */
#include "why.h"

#include "limits.h"
#include "local.h"
#include "say.h"
#include "why_memory.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "collect/proc_cmdline.h"
#include "collect/proc_stat.h"
#include "diagnose/ledger.h"
#include "diagnose/neighbour.h"
#include "diagnose/verdict.h"
#include "model/cmdline.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In permyriad of RSS: pools that were counted before it moved so far tell of another process. */
#define WHY_MOVED        1000
#define WHY_CMDLINE_SIZE 8192

struct reading {
    int proc;
    struct process process;
    struct sample host;
    uint64_t exec_mark;
    struct why_memory memory;
    struct cgroup cgroup;
    struct evidence evidence;
    char cmdline[WHY_CMDLINE_SIZE];
};

static void read_cgroup(struct reading *reading)
{
    struct limits limits;
    limits_init(&limits, reading->proc);
    reading->host = limits.host;
    const struct cgroup *group = limits_group(&limits, reading->process.id.pid);
    if (group) {
        reading->cgroup = *group;
        reading->evidence.cgroup = &reading->cgroup;
    }
    limits_fill(&limits, reading->process.id.pid, &reading->process.sample);
    limits_finish(&limits);
}

static void find_neighbour(struct reading *reading)
{
    char bytes[WHY_CMDLINE_SIZE];
    size_t length;
    int64_t limit = 0;
    if (!sample_get(&reading->process.sample, METRIC_LIMIT, &limit))
        sample_get(&reading->host, METRIC_MEM_TOTAL, &limit);
    if (proc_cmdline_read(reading->proc, reading->process.id.pid, bytes, sizeof(bytes), &length) ==
        OUTCOME_OK)
        cmdline_full(bytes, length, reading->cmdline, sizeof(reading->cmdline));
    neighbour_find(reading->process.comm, reading->cmdline, limit, &reading->evidence.neighbour);
}

/* ---- the daemon's shape ---- */

static json_t *layers_json(const struct ledger *ledger)
{
    json_t *list = say_no_memory(json_array());
    for (enum layer layer = 0; layer < LAYER_COUNT; layer++)
        if (ledger->present[layer])
            json_array_append_new(
                list, json_pack("{s:s, s:I, s:s}", "layer", layer_info(layer)->name, "bytes",
                                (json_int_t)ledger->bytes[layer], "what", layer_info(layer)->what));
    return list;
}

static json_t *large_json(const struct layers *layers)
{
    json_t *list = say_no_memory(json_array());
    for (uint32_t i = 0; i < layers->large_count; i++) {
        char start[24];
        snprintf(start, sizeof(start), "%" PRIx64, layers->large[i].start);
        json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "start", start, "size_bytes",
                                              (json_int_t)layers->large[i].size_bytes, "rss_bytes",
                                              (json_int_t)layers->large[i].rss_bytes));
    }
    return list;
}

static json_t *ledger_json(const struct reading *reading, const struct ledger *ledger,
                           const char *id)
{
    json_t *object = say_no_memory(json_pack(
        "{s:s, s:I, s:b, s:s*, s:o}", "id", id, "rss_bytes", (json_int_t)ledger->rss_bytes, "whole",
        ledger->whole, "missing", reading->memory.missing, "layers", layers_json(ledger)));
    if (ledger->huge_bytes >= 0)
        json_object_set_new(object, "huge_bytes", json_integer(ledger->huge_bytes));
    if (ledger->swap_bytes >= 0)
        json_object_set_new(object, "swap_bytes", json_integer(ledger->swap_bytes));
    if (reading->evidence.layers)
        json_object_set_new(object, "large", large_json(&reading->memory.layers));
    return object;
}

static json_t *verdict_json(const struct reading *reading, const struct verdict *verdict,
                            const struct ledger *ledger, const char *id)
{
    json_t *lines = say_no_memory(json_array());
    for (size_t i = 0; i < verdict->line_count; i++)
        json_array_append_new(lines, json_string(verdict->lines[i]));
    json_t *object = say_no_memory(
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:o, s:s, s:s, s:s*, s:b, s:s*}", "id", id,
                  "cause", verdict_cause_info(verdict->cause)->name, "confidence",
                  verdict_confidence_name(verdict->confidence), "sentence", verdict->sentence,
                  "bytes", (json_int_t)verdict->bytes, "rss_bytes", (json_int_t)ledger->rss_bytes,
                  "evidence", lines, "step", verdict_step_name(verdict->step), "cannot",
                  verdict->cannot, "next", *verdict->next ? verdict->next : NULL, "whole",
                  ledger->whole, "missing", reading->memory.missing));
    if (verdict->has_prediction)
        json_object_set_new(object, "predicted_bytes",
                            json_pack("[I,I]", (json_int_t)verdict->prediction.low_bytes,
                                      (json_int_t)verdict->prediction.high_bytes));
    return object;
}

static void judge(const struct reading *reading, struct why *why)
{
    struct ledger ledger;
    struct verdict verdict;
    char id[PROCESS_ID_SIZE];
    ledger_make(&reading->evidence, &ledger);
    verdict_make(&reading->evidence, &ledger, &verdict);
    process_id_format(reading->process.id, id);
    *why = (struct why){.process = local_process_json(&reading->process),
                        .ledger = ledger_json(reading, &ledger, id),
                        .verdict = verdict_json(reading, &verdict, &ledger, id)};
}

/* The pid is still the one that was read, with the same program, and the one that was meant. */
static bool is_same(const struct reading *reading, const struct proc_stat *now,
                    struct process_id id)
{
    return process_id_equal(now->id, reading->process.id) && now->exec_mark == reading->exec_mark &&
           (id.start_ticks == 0 || process_id_equal(now->id, id));
}

static bool has_moved(const struct reading *reading, const struct proc_stat *now)
{
    int64_t then = 0;
    sample_get(&reading->process.sample, METRIC_RSS, &then);
    return llabs(now->rss_bytes - then) > now->rss_bytes / 10000 * WHY_MOVED;
}

/* false: it is gone, or another one. */
static bool read_all(struct reading *reading, struct process_id id)
{
    struct proc_stat stat;
    if (proc_stat_read(reading->proc, id.pid, &stat) != OUTCOME_OK ||
        !local_process(reading->proc, id.pid, &reading->process))
        return false;
    reading->exec_mark = stat.exec_mark;
    reading->evidence = (struct evidence){.now_usec = clock_mono_usec(),
                                          .process = &reading->process,
                                          .host = &reading->host,
                                          .is_python = neighbour_is_python(reading->process.comm)};
    why_memory_read(reading->proc, &reading->process, &reading->memory);
    if (reading->memory.has_layers)
        reading->evidence.layers = &reading->memory.layers;
    read_cgroup(reading);
    find_neighbour(reading);
    if (proc_stat_read(reading->proc, id.pid, &stat) != OUTCOME_OK)
        return false;
    reading->evidence.pools_stale = has_moved(reading, &stat);
    return is_same(reading, &stat, id);
}

enum exit_code why_local(struct process_id id, struct why *ret_why)
{
    static struct reading reading; /* large, and one is enough */
    _cleanup_(closep) int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    reading = (struct reading){.proc = proc};
    if (proc < 0) {
        say("cannot open /proc: %s", strerror(errno));
        return EXIT_CODE_FAILED;
    }
    if (read_all(&reading, id)) {
        judge(&reading, ret_why);
        local_process_finish(&reading.process);
        return EXIT_CODE_OK;
    }
    local_process_finish(&reading.process);
    say("no process %d%s (any more), or one of the kernel", (int)id.pid,
        id.start_ticks ? " with that start" : "");
    return EXIT_CODE_GONE;
}
