/* SPDX-License-Identifier: MIT */
/*
 * Every struct as JSON against tests/fixtures/http/NAME.json. Keys, order of magnitude, units and
 * absence are the API: a difference here breaks clients.
 */
#include "http/render.h"

#include "base/clock.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WALL UINT64_C(1795344078123000) /* 2026-11-22T10:41:18.123Z */
#define MONO (5000 * USEC_PER_SEC)
#define MIB  (INT64_C(1) << 20)

/* Takes the value over. */
static void assert_golden(json_t *value, const char *name)
{
    char path[256];
    json_error_t error;
    assert_non_null(value);
    snprintf(path, sizeof(path), FIXTURES "/http/%s.json", name);
    json_t *golden = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!golden || !json_equal(value, golden)) {
        char *text = json_dumps(value, JSON_INDENT(1) | JSON_REAL_PRECISION(15));
        print_message("%s: %s, but rendered is\n%s\n", path, golden ? "differs" : error.text, text);
        free(text);
        fail();
    }
    json_decref(golden);
    json_decref(value);
}

static struct snapshot snapshot_at(void)
{
    return (struct snapshot){
        .tick = 7, .mono_usec = MONO, .wall_usec = WALL, .status.tick_usec = USEC_PER_SEC};
}

static void test_status(void **state)
{
    (void)state;
    struct snapshot snapshot = snapshot_at();
    snapshot.status = (struct status){.started_wall_usec = WALL - 3600 * USEC_PER_SEC,
                                      .uptime_usec = 3600 * USEC_PER_SEC,
                                      .ticks = 3600,
                                      .ticks_dropped = 2,
                                      .tick_usec = USEC_PER_SEC,
                                      .tick_duration_usec = 4500,
                                      .tick_late_usec = 120,
                                      .processes = 250,
                                      .processes_unreadable = 3,
                                      .agents = 4,
                                      .agents_ready = 2,
                                      .rules = 5,
                                      .rules_armed = 1,
                                      .paused = true,
                                      .paused_until_wall_usec = WALL,
                                      .pause_reason = "uid 0 (socket)",
                                      .probe = PROBE_STATE_LIMITED,
                                      .probe_restarts = 1,
                                      .probe_deep_usec_total = 2500000,
                                      .probe_detail = "other users' processes need CAP_SYS_PTRACE",
                                      .store = STORE_STATE_DEGRADED,
                                      .store_queue = 17,
                                      .store_size_bytes = 4096,
                                      .store_losses = {1, 2, 3, 4},
                                      .store_detail = "disk full",
                                      .psi = PSI_STATE_TRIGGER,
                                      .oom_log = OOM_LOG_JOURNAL,
                                      .cgroup_kind = CGROUP_KIND_V2,
                                      .cgroups = 42,
                                      .http_address = "127.0.0.1:6368",
                                      .state_directory = "/var/lib/memtend",
                                      .self_private_bytes = 6 * MIB,
                                      .self_rss_bytes = -1,
                                      .self_cpu_permyriad = 45,
                                      .ticks_skipped = 3,
                                      .stages[STAGE_FAST] = {2000000, 3500},
                                      .reads = {100, 5, 1},
                                      .kept_files = 200,
                                      .kept_files_limit = 1000,
                                      .kept_kernel_bytes = 1126400,
                                      .missing_count = 1,
                                      .missing = {"PSS of other users"}};
    assert_golden(render_status(&snapshot, "0.1.0", "memtend", true), "status");
    assert_golden(render_status(&snapshot, "0.1.0", "memtend", false), "status-others");
}

static void test_host(void **state)
{
    (void)state;
    struct snapshot snapshot = snapshot_at();
    sample_set(&snapshot.host, METRIC_MEM_TOTAL, 8192 * MIB, MONO);
    sample_set(&snapshot.host, METRIC_MEM_AVAILABLE, 0, MONO); /* 0 is a value */
    sample_set(&snapshot.host, METRIC_PSI_SOME_AVG10, 1234, MONO - 500);
    sample_set(&snapshot.host, METRIC_OOM_KILLS, 2, MONO - 3 * USEC_PER_SEC);
    assert_golden(render_host(&snapshot), "host");
}

static struct cgroup cgroup_filled(void)
{
    struct cgroup cgroup = {.path = "/kubepods/pod1/web",
                            .unified = true,
                            .serial = 7,
                            .process_count = 3,
                            .owner = {.runtime = CONTAINER_RUNTIME_CRIO,
                                      .container_id = "f00d",
                                      .pod_uid = "1",
                                      .name = "pod/web"},
                            .mono_usec = MONO - 4 * USEC_PER_SEC,
                            .limit_path = "/kubepods"};
    for (enum cgroup_value value = 0; value < CGROUP_VALUE_COUNT; value++)
        cgroup_set(&cgroup, value, (int64_t)value * 100 + 25);
    cgroup_set(&cgroup, CGROUP_VALUE_HEADROOM, -5);
    return cgroup;
}

static void test_cgroup(void **state)
{
    (void)state;
    struct snapshot snapshot = snapshot_at();
    struct cgroup cgroup = cgroup_filled();
    assert_golden(render_cgroup(&cgroup, &snapshot), "cgroup");
    struct cgroup bare = {.path = "/", .serial = 1};
    assert_golden(render_cgroup(&bare, &snapshot), "cgroup-bare");
}

static void test_process(void **state)
{
    (void)state;
    struct snapshot snapshot = snapshot_at();
    struct cgroup cgroups[2] = {{.path = "/"}, cgroup_filled()};
    snapshot.cgroups = cgroups;
    snapshot.cgroup_count = 2;
    struct group_record groups[] = {{.kind = GROUP_KIND_NAME, .name = "etl"}};
    snapshot.groups = groups;
    snapshot.group_count = 1;
    static const struct agent_info agent = {.state = AGENT_STATE_READY,
                                            .runtime = "cpython 3.11.2",
                                            .allocator = "glibc 2.36",
                                            .version = 1};
    struct process process = {.id = {4711, 88213},
                              .ppid = 1,
                              .uid = 1000,
                              .exec_count = 2,
                              .family = {4700, 88000},
                              .family_size = 3,
                              .group = 1,
                              .role = PROCESS_ROLE_WORKER,
                              .cow_loss_bytes = 7 * MIB,
                              .cgroup = 2,
                              .comm = "</script>\xef\xbf\xbd",
                              .name = "etl",
                              .unit = "etl.service",
                              .cmdline = "python3 etl.py",
                              .pss_absence = ABSENCE_DENIED, /* of no meaning: it is there */
                              .uss_absence = ABSENCE_TOO_DEAR,
                              .agent = &agent};
    sample_set(&process.sample, METRIC_RSS, 240 * MIB, MONO);
    sample_set(&process.sample, METRIC_CPU, 150, MONO - USEC_PER_SEC); /* one tick: no age */
    sample_set(&process.sample, METRIC_AGE, 90 * (int64_t)USEC_PER_SEC + 500000, MONO);
    sample_set(&process.sample, METRIC_PEAK_RSS, 300 * MIB, MONO - 2500000);
    sample_set(&process.sample, METRIC_PSS, 230 * MIB, MONO - 12 * USEC_PER_SEC);
    sample_set(&process.sample, METRIC_PY_GC_ENABLED, 0, MONO);
    sample_set(&process.sample, METRIC_PY_GC_COUNT0, 512, MONO + 5); /* read after the tick began */
    assert_golden(render_process(&process, &snapshot), "process");
    struct process bare = {.id = {1, 2},
                           .family = {1, 2},
                           .family_size = 1,
                           .comm = "init",
                           .uss_absence = ABSENCE_DENIED};
    assert_golden(render_process(&bare, &snapshot), "process-bare");
}

static void test_group(void **state)
{
    (void)state;
    struct snapshot snapshot = snapshot_at();
    snapshot.boot_usec = 2000 * USEC_PER_SEC;
    struct group_record group = {.kind = GROUP_KIND_GUNICORN,
                                 .name = "gunicorn:web:app",
                                 .uid = 1000,
                                 .members = 3,
                                 .workers = 2,
                                 .rss_bytes = 300 * MIB,
                                 .pss_members = 3,
                                 .pss_bytes = 120 * MIB,
                                 .pss_read_usec = MONO - 2500000,
                                 .pss_consistent = true,
                                 .came = 12,
                                 .went = 9,
                                 .went_peak_sum_bytes = 900 * MIB,
                                 .went_peak_largest_bytes = 110 * MIB,
                                 .peak_rss_bytes = 400 * MIB,
                                 .peak_rss_wall_usec = WALL,
                                 .limit_known = true,
                                 .limit_bytes = 2048 * MIB,
                                 .headroom_known = true,
                                 .headroom_bytes = -5 * MIB,
                                 .first_seen_wall_usec = WALL,
                                 .oldest = {10, 100000},
                                 .youngest = {12, 199000}};
    assert_golden(render_group(&group, &snapshot), "group");
    struct group_record gone = {.kind = GROUP_KIND_UNIT,
                                .name = "a.service",
                                .mixed_uids = true,
                                .came = 1,
                                .went = 1,
                                .first_seen_wall_usec = WALL,
                                .gone_wall_usec = WALL};
    assert_golden(render_group(&gone, &snapshot), "group-gone");
}

static struct receipt receipt_made(void)
{
    struct receipt receipt = {.id = "1k2-7",
                              .target = {4711, 88213},
                              .comm = "python3",
                              .rule = "idle-after-burst",
                              .asked_by = "rule idle-after-burst",
                              .wall_usec = WALL,
                              .finished_usec = WALL + 900000,
                              .basis = RECEIPT_BASIS_FAMILY_PSS,
                              .family_size = 3,
                              .predicted_low_bytes = 100 * MIB,
                              .predicted_high_bytes = 130 * MIB,
                              .predicted_pause_usec = 12000,
                              .predicted_unshared_bytes = 4096,
                              .step_count = 2,
                              .freed_bytes = -5,
                              .moved_to_swap_bytes = 8192,
                              .outcome = RECEIPT_OUTCOME_FREED_NOTHING,
                              .durable = true,
                              .note = "the pages were shared"};
    measure_set(&receipt.before, MEASURE_RSS, 240 * MIB);
    measure_set(&receipt.after, MEASURE_RSS, 10 * MIB);
    receipt.steps[0] = (struct receipt_step){.kind = STEP_COLLECT,
                                             .outcome = RECEIPT_OUTCOME_FREED,
                                             .pause_usec = 11500,
                                             .objects = 400000};
    measure_set(&receipt.steps[0].before, MEASURE_RSS, 240 * MIB);
    measure_set(&receipt.steps[0].after, MEASURE_RSS, 239 * MIB);
    measure_set(&receipt.steps[0].before, MEASURE_USS, 200 * MIB);
    measure_set(&receipt.steps[0].after, MEASURE_PSS, 150 * MIB);
    receipt.steps[1] = (struct receipt_step){
        .kind = STEP_TRIM, .pause_usec = -1, .objects = -1, .note = "not reached"};
    return receipt;
}

static void test_receipt(void **state)
{
    (void)state;
    struct receipt receipt = receipt_made();
    assert_golden(render_receipt(&receipt), "receipt");
}

static void test_running_receipt(void **state)
{
    (void)state;
    struct receipt receipt = receipt_made();
    receipt.finished_usec = 0;
    receipt.outcome = RECEIPT_OUTCOME_NONE;
    receipt.step_count = 0;
    receipt.rule[0] = '\0';
    receipt.note[0] = '\0';
    receipt.predicted_pause_usec = -1;
    receipt.after = (struct measure){0};
    assert_golden(render_receipt(&receipt), "receipt-running");
}

static void test_event(void **state)
{
    (void)state;
    struct event event = {.id = 12,
                          .kind = EVENT_KIND_RULE_WOULD_FIRE,
                          .wall_usec = WALL,
                          .target = "4711-88213",
                          .rule = "idle-after-burst",
                          .text = "would collect, trim"};
    assert_golden(render_event(&event), "event");
    event = (struct event){.id = 13,
                           .kind = EVENT_KIND_OOM_KILL,
                           .wall_usec = WALL,
                           .target = "4711-88213",
                           .text = "python3 was killed",
                           .comm = "python3",
                           .unit = "shop.service",
                           .cgroup = "/system.slice/shop.service",
                           .oom_constraint = "memcg",
                           .certainty = "probably",
                           .has_window = true,
                           .not_durable = true};
    event_set_number(&event, EVENT_NUMBER_RSS, 1 << 20);
    event_set_number(&event, EVENT_NUMBER_DURATION, 1500000);
    event_set_number(&event, EVENT_NUMBER_PSI_SOME, 1234);
    assert_golden(render_event(&event), "event-death");
}

static void test_rule(void **state)
{
    (void)state;
    char text[] = "rule x for each process:\n  when rss > 1 GiB\n  then trim";
    struct rule_record rule = {.name = "x",
                               .text = text,
                               .sha256 = "00ff",
                               .source = RULE_SOURCE_API,
                               .state = RULE_STATE_DISARMED_BY_EDIT,
                               .fired_count = 3};
    assert_golden(render_rule(&rule), "rule");
}

static void test_series(void **state)
{
    (void)state;
    struct series_point points[] = {{.wall_msec = 1795344078000, .value = 150, .max = 250},
                                    {.wall_msec = 1795344079000, .gap = true}};
    struct series series = {.target = {.kind = TARGET_UNIT, .name = "etl.service"},
                            .metric = METRIC_CPU,
                            .count = 2,
                            .points = points};
    assert_golden(render_series(&series, SERIES_MAX), "series");
    series.target = (struct target){.kind = TARGET_HOST};
    series.metric = METRIC_MEM_FREE;
    assert_golden(render_series(&series, SERIES_RANGE), "series-range");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_host),
        cmocka_unit_test(test_cgroup),
        cmocka_unit_test(test_process),
        cmocka_unit_test(test_group),
        cmocka_unit_test(test_receipt),
        cmocka_unit_test(test_running_receipt),
        cmocka_unit_test(test_event),
        cmocka_unit_test(test_rule),
        cmocka_unit_test(test_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
