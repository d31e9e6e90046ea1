/* SPDX-License-Identifier: MIT */
/*
 * What storing costs: CPU time per process and tick for three mixes of 1,000 processes, beside R
 * (open + read + close of /proc/PID/statm, raw C) of the same run; bytes on disk per row; the time
 * of a series; the memory that it takes.
 * usage: bench_store [DIRECTORY]      default: the current one
 */
#include "base/clock.h"
#include "storage/history.h"
#include "storage/store.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROCESSES 1000
#define TICKS     3600
#define SLICE     60 /* ticks in one measurement; the median of the slices counts */

/* What changes at a tick, of 10,000 processes. */
struct mix {
    const char *name;
    unsigned changing;
    double target_ratio; /* of R; 0 = none promised */
};

static const struct mix mixes[] = {
    {"idle", 50, 0.3}, /* a host at rest: 0.5 % */
    {"quiet", 1500, 0},
    {"busy", 10000, 0},
};

static uint64_t random_state = 88172645463325252U;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* R in microseconds: the median of rounds over this process's own statm. */
static double raw_usec(void)
{
    double rounds[31];
    char text[256];
    for (size_t round = 0; round < 31; round++) {
        uint64_t begun = clock_cpu_usec();
        for (int i = 0; i < PROCESSES; i++) {
            int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
            if (fd < 0 || read(fd, text, sizeof(text)) < 0)
                exit(1);
            close(fd);
        }
        rounds[round] = (double)(clock_cpu_usec() - begun) / PROCESSES;
    }
    qsort(rounds, 31, sizeof(rounds[0]), compare);
    return rounds[15];
}

static int64_t private_bytes(void)
{
    FILE *rollup = fopen("/proc/self/smaps_rollup", "re");
    char line[256];
    long long kib = 0;
    while (rollup && fgets(line, sizeof(line), rollup))
        if (strncmp(line, "Private_Dirty:", 14) == 0)
            kib = strtoll(line + 14, NULL, 10);
    if (rollup)
        fclose(rollup);
    return kib * 1024;
}

static const enum metric shown[] = {
    METRIC_RSS,  METRIC_CPU,   METRIC_THREADS, METRIC_MAJOR_FAULTS, METRIC_ANON,
    METRIC_FILE, METRIC_SHMEM, METRIC_SWAP,    METRIC_PSS,          METRIC_PEAK_RSS};

static int64_t values[PROCESSES][METRIC_STORED_COUNT];

static void change(size_t process)
{
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
        values[process][shown[i]] = (int64_t)(next_random() % (200U << 20)) & ~4095;
    values[process][METRIC_CPU] = (int64_t)(next_random() % 10000);
    values[process][METRIC_THREADS] = 4;
    values[process][METRIC_MAJOR_FAULTS] = 100;
    values[process][METRIC_SHMEM] = 0;
    values[process][METRIC_SWAP] = 0;
}

static void fill_tick(struct tick *tick, const struct mix *mix, uint64_t number)
{
    tick->number = number;
    tick->mono_usec = number * USEC_PER_SEC;
    tick->wall_usec = UINT64_C(1760000000) * USEC_PER_SEC + tick->mono_usec;
    tick->process_count = 0;
    tick->row_count = 0;
    for (enum metric metric = METRIC_HOST_FIRST; metric < METRIC_COUNT; metric++)
        sample_set(&tick->host, metric, (int64_t)(next_random() >> 30), tick->mono_usec);
    for (size_t i = 0; i < PROCESSES; i++) {
        bool changed = number == 1 || next_random() % 10000 < mix->changing;
        if (changed)
            change(i);
        if (!changed && (number + i) % TICK_KEYFRAME != 0)
            continue;
        struct tick_row *row = &tick->rows[tick->row_count++];
        row->row = (int64_t)i + 1;
        row->present = 0;
        for (size_t k = 0; k < sizeof(shown) / sizeof(shown[0]); k++)
            row->present |= UINT32_C(1) << shown[k];
        memcpy(row->value, values[i], sizeof(row->value));
        if (number == 1)
            tick->processes[tick->process_count++] = (struct tick_process){
                .row = row->row, .id = {.pid = (pid_t)i + 1, .start_ticks = 1}, .comm = "python3"};
    }
}

static void need(int r, const char *what)
{
    if (r < 0) {
        fprintf(stderr, "bench_store: %s: %s\n", what, strerror(-r));
        exit(1);
    }
}

/* CPU of one tick: begin, rows, commit, and one step of retention, as the writer does it. */
static uint64_t store_one(struct store *store, struct tick *tick)
{
    tick->id = 0;
    uint64_t begun = clock_cpu_usec();
    bool more;
    need(store_begin(store, tick->number % 10 == 0), "begin");
    need(store_write_tick(store, tick), "tick");
    need(store_commit(store), "commit");
    need(store_expire(store, tick->wall_usec, &more), "expire");
    return clock_cpu_usec() - begun;
}

static void series(const char *directory, struct shelf *shelf, const char *name,
                   struct target target, enum metric metric, uint64_t to_wall_usec)
{
    struct history *history;
    need(history_new(directory, USEC_PER_SEC, shelf, &history), "history");
    struct series_query query = {.target_count = 1,
                                 .targets = {target},
                                 .metric_count = 1,
                                 .metrics = {metric},
                                 .from_wall_usec = to_wall_usec - 3600 * USEC_PER_SEC,
                                 .to_wall_usec = to_wall_usec,
                                 .points = 500,
                                 .aggregate = SERIES_RANGE};
    double msec[15];
    size_t points = 0;
    for (size_t i = 0; i < 15; i++) {
        struct series_result result;
        uint64_t begun = clock_mono_usec();
        need(history_series(history, &query, &result, NULL), "series");
        msec[i] = (double)(clock_mono_usec() - begun) / 1000;
        points = result.count > 0 ? result.series[0].count : 0;
        series_result_finish(&result);
    }
    qsort(msec, 15, sizeof(msec[0]), compare);
    printf("{\"bench\": \"store\", \"figure\": \"series_1h_%s\", \"points\": %zu, "
           "\"msec\": %.2f}\n",
           name, points, msec[7]);
    history_free(history);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

struct outcome {
    double usec; /* per process and tick, median */
    size_t rows;
    uint64_t bytes;
    int64_t memory_bytes;
};

static struct outcome store_mix(struct store *store, const struct mix *mix, struct tick *tick)
{
    struct outcome outcome = {.memory_bytes = private_bytes()};
    double slices[TICKS / SLICE];
    for (uint64_t slice = 0; slice < TICKS / SLICE; slice++) {
        uint64_t usec = 0;
        for (uint64_t i = 1; i <= SLICE; i++) {
            fill_tick(tick, mix, slice * SLICE + i);
            usec += store_one(store, tick);
            outcome.rows += tick->row_count;
        }
        slices[slice] = (double)usec / SLICE / PROCESSES;
    }
    qsort(slices, TICKS / SLICE, sizeof(slices[0]), compare);
    outcome.usec = slices[TICKS / SLICE / 2];
    outcome.memory_bytes = private_bytes() - outcome.memory_bytes;
    return outcome;
}

static void run_mix(const char *base, const struct mix *mix, struct tick *tick)
{
    char directory[256], path[320];
    snprintf(directory, sizeof(directory), "%s/bench-store-XXXXXX", base);
    if (!mkdtemp(directory))
        need(-1, "mkdtemp");
    struct store_config config = {.directory = directory,
                                  .tick_usec = USEC_PER_SEC,
                                  .limits = {.samples_usec = STORE_SAMPLES_USEC_DEFAULT,
                                             .events_usec = STORE_EVENTS_USEC_DEFAULT,
                                             .max_size_bytes = STORE_MAX_SIZE_BYTES_DEFAULT}};
    struct store *store;
    struct store_report report;
    need(store_open(&config, &store, &report, NULL), "open");
    struct outcome outcome = store_mix(store, mix, tick);
    double raw = raw_usec();
    uint64_t to = tick->wall_usec;
    series(directory, store_shelf(store), mix->name,
           (struct target){.kind = TARGET_PROCESS, .id = {.pid = 500, .start_ticks = 1}},
           METRIC_RSS, to);
    if (mix == mixes)
        series(directory, store_shelf(store), "host", (struct target){.kind = TARGET_HOST},
               METRIC_MEM_FREE, to);
    store_close(store);
    struct stat status;
    snprintf(path, sizeof(path), "%s/" STORE_FILE, directory);
    if (stat(path, &status) < 0)
        need(-1, "stat");
    printf("{\"bench\": \"store\", \"figure\": \"ingest_%s\", \"processes\": %d, \"ticks\": %d, "
           "\"rows_per_tick\": %.1f, \"usec_per_process_tick\": %.3f, \"raw_usec\": %.3f, "
           "\"ratio\": %.3f",
           mix->name, PROCESSES, TICKS, (double)outcome.rows / TICKS, outcome.usec, raw,
           outcome.usec / raw);
    if (mix->target_ratio > 0)
        printf(", \"target_ratio\": %.1f", mix->target_ratio);
    printf(", \"bytes_per_row\": %.1f, \"bytes_per_process_tick\": %.2f, \"memory_kib\": %lld}\n",
           (double)status.st_size / (double)outcome.rows,
           (double)status.st_size / PROCESSES / TICKS, (long long)outcome.memory_bytes / 1024);
    fflush(stdout);
    nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

int main(int argc, char **argv)
{
    struct tick tick = {.capacity = PROCESSES,
                        .processes = calloc(PROCESSES, sizeof(struct tick_process)),
                        .rows = calloc(PROCESSES, sizeof(struct tick_row))};
    if (!tick.processes || !tick.rows)
        return 1;
    for (size_t i = 0; i < sizeof(mixes) / sizeof(mixes[0]); i++)
        run_mix(argc > 1 ? argv[1] : ".", &mixes[i], &tick);
    free(tick.processes);
    free(tick.rows);
    return 0;
}
