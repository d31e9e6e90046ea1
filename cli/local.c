/* SPDX-License-Identifier: MIT */
#include "local.h"

#include "limits.h"
#include "say.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "collect/proc_cgroup.h"
#include "collect/proc_cmdline.h"
#include "collect/proc_rollup.h"
#include "collect/proc_stat.h"
#include "collect/proc_status.h"
#include "collect/process_list.h"
#include "model/cmdline.h"
#include "model/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOCAL_PROCESSES 32768 /* as the daemon's max_processes */

/*
 * smaps_rollup stops a process from mapping memory while it is read, about 16 ms per GiB: the
 * stall of one stays under 10 ms, all of them together take about 130 ms.
 */
#define LOCAL_ROLLUP_ONE (INT64_C(640) << 20)
#define LOCAL_ROLLUP_ALL (INT64_C(8) << 30)

struct local_table {
    int proc;
    size_t count, capacity;
    size_t made; /* rows with texts to free; more than count when only the first are shown */
    struct process *processes;
};

static uint64_t boot_usec(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / 1000;
}

/* Average since the start: one reading has no better answer. */
static void set_age_and_cpu(struct process *process, const struct proc_stat *stat, uint64_t now)
{
    uint64_t hertz = (uint64_t)sysconf(_SC_CLK_TCK);
    uint64_t start = stat->id.start_ticks / hertz * USEC_PER_SEC +
                     stat->id.start_ticks % hertz * USEC_PER_SEC / hertz;
    uint64_t age = now > start ? now - start : 0;
    uint64_t cpu = (stat->user_ticks + stat->system_ticks) * USEC_PER_SEC / hertz;
    sample_set(&process->sample, METRIC_AGE, (int64_t)age, now);
    if (age > 0)
        sample_set(&process->sample, METRIC_CPU, (int64_t)((double)cpu * 10000 / (double)age), now);
}

/* Once for a process. */
static void set_texts(int proc, struct process *process)
{
    char bytes[4096]; /* of which PROCESS_CMDLINE_SIZE characters are shown */
    char cmdline[PROCESS_CMDLINE_SIZE], unit[PROCESS_UNIT_SIZE];
    struct proc_cgroup cgroup;
    size_t length;
    if (proc_cmdline_read(proc, process->id.pid, bytes, sizeof(bytes), &length) == OUTCOME_OK) {
        cmdline_redact(bytes, length, cmdline, sizeof(cmdline));
        process->cmdline = say_no_memory(strdup(cmdline));
    }
    if (proc_cgroup_read(proc, process->id.pid, &cgroup) == OUTCOME_OK &&
        cgroup_unit(cgroup.path, unit))
        process->unit = say_no_memory(strdup(unit));
}

void local_process_finish(struct process *process)
{
    free((char *)process->cmdline);
    free((char *)process->unit);
    process->cmdline = process->unit = NULL;
}

/* false: gone meanwhile, or a kernel thread. */
static bool read_process(int proc, pid_t pid, uint64_t now, struct process *ret_process)
{
    struct proc_stat stat;
    struct proc_status status;
    if (proc_stat_read(proc, pid, &stat) != OUTCOME_OK || stat.kernel_thread)
        return false;
    if (proc_status_read(proc, pid, &status) != OUTCOME_OK)
        return false;
    *ret_process = (struct process){.id = stat.id, .ppid = stat.ppid, .uid = status.uid};
    text_copy(ret_process->comm, sizeof(ret_process->comm), stat.comm);
    sample_set(&ret_process->sample, METRIC_RSS, stat.rss_bytes, now);
    sample_set(&ret_process->sample, METRIC_THREADS, stat.threads, now);
    sample_set(&ret_process->sample, METRIC_MAJOR_FAULTS, (int64_t)stat.major_faults, now);
    set_age_and_cpu(ret_process, &stat, now);
    proc_status_sample(&status, now, &ret_process->sample);
    return true;
}

bool local_process(int proc, pid_t pid, struct process *ret_process)
{
    if (!read_process(proc, pid, boot_usec(), ret_process))
        return false;
    set_texts(proc, ret_process);
    return true;
}

static void table_append(struct local_table *table, const struct process *process)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity ? table->capacity * 2 : 256;
        table->processes =
            say_no_memory(realloc(table->processes, table->capacity * sizeof(*table->processes)));
    }
    table->processes[table->count++] = *process;
    table->made = table->count;
}

static int table_read(struct local_table *table, const struct local_query *query,
                      struct local_gaps *gaps)
{
    struct process_list list;
    uint64_t now = boot_usec();
    int r = process_list_init(&list, table->proc, LOCAL_PROCESSES);
    if (r < 0)
        return r;
    r = process_list_read(&list);
    gaps->cut = r == 0 && list.cut;
    for (size_t i = 0; r == 0 && i < list.count; i++) {
        struct process process;
        if (!read_process(table->proc, list.pids[i], now, &process))
            continue;
        /* Our own command line holds the text: that is not what was meant. */
        if (query->text && process.id.pid == getpid())
            continue;
        if (query->text)
            set_texts(table->proc, &process);
        if (!query->text || process_matches(&process, query->text))
            table_append(table, &process);
        else
            local_process_finish(&process);
    }
    process_list_finish(&list);
    return r;
}

static void table_read_limits(struct local_table *table)
{
    struct limits limits;
    limits_init(&limits, table->proc);
    for (size_t i = 0; i < table->count; i++)
        limits_fill(&limits, table->processes[i].id.pid, &table->processes[i].sample);
    limits_finish(&limits);
}

/* Largest first, of headroom the smallest; what is not known comes last; equal ones by pid. */
static int compare(const void *left, const void *right, void *context)
{
    const struct process *a = left, *b = right;
    enum metric metric = *(const enum metric *)context;
    int64_t value_a = 0, value_b = 0;
    bool known_a = sample_get(&a->sample, metric, &value_a);
    bool known_b = sample_get(&b->sample, metric, &value_b);
    if (known_a != known_b)
        return known_a ? -1 : 1;
    if (value_a != value_b)
        return (value_a < value_b) == metric_least_first(metric) ? -1 : 1;
    return a->id.pid < b->id.pid ? -1 : a->id.pid > b->id.pid;
}

static void table_sort(struct local_table *table, enum metric metric)
{
    if (table->count > 1)
        qsort_r(table->processes, table->count, sizeof(table->processes[0]), compare, &metric);
}

static void set_absence(struct process *process, enum absence absence)
{
    process->pss_absence = process->uss_absence = absence;
}

/* Largest first, as the table is sorted by then. */
static void table_read_deep(struct local_table *table, struct local_gaps *gaps)
{
    int64_t left_bytes = LOCAL_ROLLUP_ALL;
    for (size_t i = 0; i < table->count; i++) {
        struct process *process = &table->processes[i];
        struct proc_rollup rollup;
        int64_t rss_bytes = 0;
        sample_get(&process->sample, METRIC_RSS, &rss_bytes);
        if (rss_bytes > LOCAL_ROLLUP_ONE || rss_bytes > left_bytes) {
            set_absence(process, ABSENCE_TOO_DEAR);
            gaps->too_large++;
            continue;
        }
        left_bytes -= rss_bytes;
        enum outcome outcome = proc_rollup_read(table->proc, process->id.pid, &rollup);
        if (outcome == OUTCOME_OK)
            proc_rollup_sample(&rollup, 0, &process->sample);
        if (outcome == OUTCOME_DENIED) {
            set_absence(process, ABSENCE_DENIED);
            gaps->denied++;
        }
    }
}

static json_t *value_json(enum metric_unit unit, int64_t value)
{
    switch (unit) {
    case METRIC_UNIT_PERMYRIAD:
        return json_real((double)value / 100);
    case METRIC_UNIT_USEC:
        return json_real((double)value / (double)USEC_PER_SEC);
    case METRIC_UNIT_FLAG:
        return json_boolean(value != 0);
    case METRIC_UNIT_BYTES:
    case METRIC_UNIT_COUNT:
        break;
    }
    return json_integer(value);
}

/* As the daemon says it; what was not looked for at all is not said. */
static void add_absence(json_t *object, const struct process *process, enum metric metric,
                        const char *key, enum absence absence)
{
    if (!sample_has(&process->sample, metric) && absence != ABSENCE_NOT_YET)
        json_object_set_new(object, key, json_string(absence_name(absence)));
}

json_t *local_process_json(const struct process *process)
{
    char id[PROCESS_ID_SIZE];
    process_id_format(process->id, id);
    json_t *object =
        json_pack("{s:s, s:i, s:s, s:s*, s:s, s:i, s:s*}", "id", id, "pid", (int)process->id.pid,
                  "comm", process->comm, "name", process->name, "cmdline", process_cmdline(process),
                  "uid", (int)process->uid, "unit", process->unit);
    say_no_memory(object);
    for (enum metric metric = 0; metric < METRIC_PROCESS_COUNT; metric++) {
        char key[METRIC_JSON_NAME_SIZE];
        int64_t value;
        if (!sample_get(&process->sample, metric, &value))
            continue;
        metric_json_name(metric, key);
        json_object_set_new(object, key, value_json(metric_info(metric)->unit, value));
    }
    add_absence(object, process, METRIC_PSS, "pss_absent", process->pss_absence);
    add_absence(object, process, METRIC_USS, "uss_absent", process->uss_absence);
    return object;
}

static void table_finish(struct local_table *table)
{
    for (size_t i = 0; i < table->made; i++)
        local_process_finish(&table->processes[i]);
    free(table->processes);
}

static json_t *table_json(const struct local_table *table)
{
    json_t *items = say_no_memory(json_array());
    for (size_t i = 0; i < table->count; i++)
        json_array_append_new(items, local_process_json(&table->processes[i]));
    return items;
}

int local_processes(const struct local_query *query, json_t **ret_items,
                    struct local_gaps *ret_gaps)
{
    _cleanup_(closep) int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct local_table table = {.proc = proc};
    struct local_gaps gaps = {0};
    bool by_deep = metric_info(query->sort)->source == METRIC_SOURCE_DEEP;
    if (proc < 0)
        return -errno;
    bool by_limit = metric_info(query->sort)->source == METRIC_SOURCE_CGROUP;
    int r = table_read(&table, query, &gaps);
    if (by_limit)
        table_read_limits(&table);
    table_sort(&table, by_deep ? METRIC_RSS : query->sort);
    if (table.count > query->limit)
        table.count = query->limit;
    for (size_t i = 0; i < table.count && !query->text; i++)
        set_texts(proc, &table.processes[i]);
    if (!by_limit)
        table_read_limits(&table);
    if (query->deep)
        table_read_deep(&table, &gaps);
    if (by_deep)
        table_sort(&table, query->sort);
    if (r == 0) {
        *ret_items = table_json(&table);
        *ret_gaps = gaps;
    }
    table_finish(&table);
    return r;
}
