/* SPDX-License-Identifier: MIT */
#include "bench/storage/run.h"

#include "base/clock.h"
#include "bench/storage/anchor.h"
#include "bench/storage/ask.h"
#include "bench/storage/ingest.h"
#include "bench/storage/report.h"
#include "bench/storage/sizes.h"
#include "bench/storage/written.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#define ANCHOR_TICKS         60  /* after as many of the store: both see the same machine */
#define HISTORY_ANCHOR_TICKS 600 /* where days are written: only for the lines of questions */
#define HISTORY_BATCH        60  /* ticks of one transaction where days are written */
#define TAIL_BATCH           10  /* ticks of one transaction after the trace */
#define TAIL_BASELINE        30  /* such transactions: what empty ticks cost by themselves */
#define PERIOD_SECONDS       600 /* of a block before it is compacted */

struct run {
    const struct trace *trace, *expected;
    const char *directory;
    uint64_t seconds; /* written in all */
    bool once;        /* the trace once, and what it costs */
    struct store *store;
    struct history *history;
    struct sizes *sizes;
    struct anchor *anchor;
    struct ingest ingest;
    struct sizes_peak peak;
    struct meter ticks, anchored, tail, baseline, closing;
    uint64_t mismatches;
};

static double run_samples(const struct run *run)
{
    return (double)run->seconds * (double)(run->trace->processes * run->trace->metrics);
}

static void run_open(struct run *run)
{
    char path[PATH_MAX];
    struct store_report report;
    struct store_config config = {.directory = run->directory,
                                  .tick_usec = USEC_PER_SEC,
                                  .limits = {.samples_usec = STORE_SAMPLES_USEC_DEFAULT,
                                             .events_usec = STORE_EVENTS_USEC_DEFAULT,
                                             .max_size_bytes = STORE_MAX_SIZE_BYTES_DEFAULT}};
    report_need(store_open(&config, &run->store, &report, NULL), "open the store");
    snprintf(path, sizeof(path), "%s/" STORE_FILE, run->directory);
    report_need(sizes_new(path, &run->sizes), "open the store to read");
    report_need(history_new(run->directory, USEC_PER_SEC, store_shelf(run->store), &run->history),
                "history");
    report_need(anchor_new(run->directory, &run->anchor), "anchor");
    report_need(ingest_init(&run->ingest, run->trace, run->store), "begin");
}

/* The first hour is over, or the trace: now its blocks are written, and not compacted yet. */
static void run_look(struct run *run, uint64_t seconds)
{
    uint64_t end = run->seconds < INGEST_HOUR_TICKS ? run->seconds : INGEST_HOUR_TICKS;
    if (seconds >= end && seconds < end + PERIOD_SECONDS)
        sizes_look(run->sizes, &run->peak);
}

static void run_once(struct run *run)
{
    for (uint64_t second = 0; second < run->seconds; second++) {
        report_need(ingest_second(&run->ingest, second, &run->ticks), "store");
        run_look(run, second + 1);
        if ((second + 1) % ANCHOR_TICKS == 0)
            report_need(anchor_run(run->anchor, ANCHOR_TICKS, &run->anchored), "anchor");
    }
    if (run->anchored.ticks == 0) /* a trace of less than a minute */
        report_need(anchor_run(run->anchor, ANCHOR_TICKS, &run->anchored), "anchor");
}

static void run_over_and_over(struct run *run)
{
    for (uint64_t second = 0; second < run->seconds; second += HISTORY_BATCH) {
        uint64_t left = run->seconds - second;
        report_need(
            ingest_seconds(&run->ingest, second, left < HISTORY_BATCH ? left : HISTORY_BATCH),
            "store");
        run_look(run, second + HISTORY_BATCH);
    }
    report_need(anchor_run(run->anchor, HISTORY_ANCHOR_TICKS, &run->anchored), "anchor");
}

/* Raw values are kept for days: at most one turn of the trace is compared, the newest. */
static void run_read_back(struct run *run)
{
    uint64_t mismatches = 0;
    uint64_t from = run->seconds > run->trace->seconds ? run->seconds - run->trace->seconds : 0;
    report_need(ask_read_back(run->history, run->expected, from, run->seconds, &mismatches),
                "read back");
    run->mismatches += mismatches;
}

/* Nobody is there any more, and time goes on until the last hour is compacted. */
static void run_settle(struct run *run)
{
    size_t ticks = 1, limit = INGEST_HOUR_TICKS + 2 * PERIOD_SECONDS;
    report_need(ingest_end(&run->ingest, &run->tail), "end");
    if (!sizes_has(run->sizes, "block"))
        return;
    for (; ticks < limit; ticks += TAIL_BATCH) {
        bool sealed = sizes_rows(run->sizes, "block_hour") > 0;
        if (sealed && sizes_rows(run->sizes, "block") == 0)
            break;
        report_need(ingest_empty(&run->ingest, TAIL_BATCH, &run->tail), "settle");
        sizes_look(run->sizes, &run->peak);
    }
    if (ticks >= limit)
        report_remark("blocks of 10 minutes are left %zu s after the trace", limit);
    for (size_t i = 0; i < TAIL_BASELINE; i++)
        report_need(ingest_empty(&run->ingest, TAIL_BATCH, &run->baseline), "settle");
}

/* The history reads what is not in the file yet, so it goes first. */
static void run_close(struct run *run)
{
    history_free(run->history);
    run->history = NULL;
    meter_begin(&run->closing);
    store_close(run->store);
    meter_end(&run->closing, 0);
    run->store = NULL;
}

static void run_finish(struct run *run)
{
    anchor_free(run->anchor);
    sizes_free(run->sizes);
    ingest_finish(&run->ingest);
}

/* What the tail took beyond its empty ticks belongs to the trace: sealing and compacting it. */
static double run_with_tail(double ticks, double tail, double baseline, const struct run *run)
{
    if (run->baseline.ticks == 0)
        return ticks;
    double empty = baseline / (double)run->baseline.ticks * (double)run->tail.ticks;
    return tail > empty ? ticks + tail - empty : ticks;
}

static double run_cpu_usec(const struct run *run)
{
    return run_with_tail((double)run->ticks.cpu_nsec, (double)run->tail.cpu_nsec,
                         (double)run->baseline.cpu_nsec, run) /
           1e3;
}

static double run_anchor_usec(const struct run *run)
{
    return (double)run->anchored.cpu_nsec / 1e3 / (double)run->anchored.ticks;
}

static void run_report_table(struct run *run, const char *table, const char *field)
{
    int64_t bytes = 0;
    int r = sizes_bytes(run->sizes, table, &bytes);
    if (r == -ENOENT)
        report_remark("no table %s: %s left out", table, field);
    else if (r == -ENOTSUP)
        report_remark("SQLite without dbstat: %s left out", field);
    report_need(r == -ENOENT || r == -ENOTSUP ? 0 : r, table);
    if (r == 0)
        report_real(field, (double)bytes / run_samples(run), 5);
}

static void run_report_blocks(struct run *run)
{
    uint64_t first = run->seconds < INGEST_HOUR_TICKS ? run->seconds : INGEST_HOUR_TICKS;
    double share = (double)first / (double)run->seconds;
    int64_t hours = 0, blocks = 0;
    if (run->peak.rows == 0)
        report_remark("no table of blocks was seen full: bytes_per_sample_10min left out");
    else
        report_real("bytes_per_sample_10min", (double)run->peak.bytes / (run_samples(run) * share),
                    5);
    int64_t expected =
        (int64_t)(run->trace->processes * ((first + PERIOD_SECONDS - 1) / PERIOD_SECONDS));
    if (run->peak.rows > 0 && run->peak.rows < expected)
        report_remark("bytes_per_sample_10min is of %lld of %lld blocks: compaction came before",
                      (long long)run->peak.rows, (long long)expected);
    if (sizes_bytes(run->sizes, "block_hour", &hours) < 0 ||
        sizes_bytes(run->sizes, "block", &blocks) < 0)
        report_remark("no tables of blocks: bytes_per_sample_compacted left out");
    else /* both: what is not compacted is not hidden */
        report_real("bytes_per_sample_compacted", (double)(hours + blocks) / run_samples(run), 5);
}

static void run_report_sizes(struct run *run)
{
    int64_t bytes = 0;
    if (sizes_has(run->sizes, "block")) {
        run_report_blocks(run);
        run_report_table(run, "rollup_minute", "rollup_minute_bytes_per_sample");
        run_report_table(run, "rollup_hour", "rollup_hour_bytes_per_sample");
        run_report_table(run, "hot", "hot_bytes_per_sample");
    } else {
        report_remark("no table block: bytes_per_sample_10min and _compacted left out");
        run_report_table(run, "sample", "bytes_per_sample_plain");
        run_report_table(run, "tick", "tick_bytes_per_sample");
    }
    run_report_table(run, "event", "event_bytes_per_sample");
    report_need(sizes_file(run->sizes, &bytes), "size of the file");
    report_real("file_bytes_per_sample", (double)bytes / run_samples(run), 5);
}

static void run_report_ingest(struct run *run)
{
    double samples = run_samples(run), usec = run_cpu_usec(run), seconds = (double)run->seconds;
    double written =
        run_with_tail((double)run->ticks.written_bytes, (double)run->tail.written_bytes,
                      (double)run->baseline.written_bytes, run);
    double kernel = run_with_tail((double)run->ticks.kernel_bytes, (double)run->tail.kernel_bytes,
                                  (double)run->baseline.kernel_bytes, run);
    report_real("cpu_us_per_sample", usec / samples, 5);
    report_real("cpu_us_per_sample_ticks", (double)run->ticks.cpu_nsec / 1e3 / samples, 5);
    report_real("usec_per_tick", usec / seconds, 1);
    report_real("anchor_usec_per_tick", run_anchor_usec(run), 1);
    report_real("ratio", usec / seconds / run_anchor_usec(run), 3);
    report_real("written_bytes_per_sample",
                (written + (double)run->closing.written_bytes) / samples, 3);
    report_real("kernel_written_bytes_per_sample",
                (kernel + (double)run->closing.kernel_bytes) / samples, 3);
    report_real("anchor_written_bytes_per_tick",
                (double)run->anchored.written_bytes / (double)run->anchored.ticks, 0);
}

static void run_report(struct run *run)
{
    report_begin(run->once ? "trace" : "history");
    report_integer("processes", (int64_t)run->trace->processes);
    report_integer("metrics", (int64_t)run->trace->metrics);
    report_integer("seconds", (int64_t)run->seconds);
    report_integer("samples", (int64_t)run_samples(run));
    report_real("changed_percent", trace_changed_percent(run->trace), 2);
    report_integer("mismatches", (int64_t)run->mismatches);
    run_report_sizes(run);
    if (run->once)
        run_report_ingest(run);
    report_end();
}

static void run_report_time(const struct run *run, const char *figure, bool open,
                            const struct ask_time *time)
{
    report_begin(figure);
    report_integer("open", open);
    report_integer("processes", (int64_t)run->trace->processes);
    report_integer("points", (int64_t)time->points);
    report_integer("runs", (int64_t)time->runs);
    report_real("msec", time->median_msec, 4);
    report_real("worst_msec", time->worst_msec, 4);
    report_real("cpu_msec", time->cpu_msec, 4);
    report_real("anchor_usec_per_tick", run_anchor_usec(run), 1);
    report_end();
}

/* `open`: what is newest is not in blocks yet. */
static void run_ask(struct run *run, bool open)
{
    static const struct {
        const char *figure;
        uint64_t seconds;
        int (*ask)(struct history *history, const struct trace *trace, uint64_t seconds,
                   uint64_t to, struct ask_time *ret_time);
    } spans[] = {{"series_1h", 3600, ask_series},
                 {"series_24h", 86400, ask_series},
                 {"series_30d", UINT64_C(30) * 86400, ask_series},
                 {"top_1h", 3600, ask_top},
                 {"top_24h", 86400, ask_top}};
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        if (spans[i].seconds > run->seconds) {
            report_remark("%s left out: %llu s are stored; --days stores more", spans[i].figure,
                          (unsigned long long)run->seconds);
            continue;
        }
        struct ask_time time;
        report_need(spans[i].ask(run->history, run->trace, spans[i].seconds, run->seconds, &time),
                    spans[i].figure);
        run_report_time(run, spans[i].figure, open, &time);
    }
}

bool run_trace(const struct trace *trace, const struct trace *expected, const char *directory,
               uint64_t seconds)
{
    struct run run = {.trace = trace,
                      .expected = expected,
                      .directory = directory,
                      .once = seconds == 0,
                      .seconds = seconds > 0 ? seconds : trace->seconds};
    run_open(&run);
    if (run.once)
        run_once(&run);
    else
        run_over_and_over(&run);
    run_read_back(&run); /* what is open still, and blocks of 10 minutes */
    run_ask(&run, true);
    run_settle(&run);
    run_read_back(&run); /* all compacted */
    run_ask(&run, false);
    run_close(&run);
    run_report(&run);
    run_finish(&run);
    if (run.mismatches > 0)
        report_remark("%llu values came back wrong, or not", (unsigned long long)run.mismatches);
    return run.mismatches == 0;
}
