/* SPDX-License-Identifier: MIT */
#include "http/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_labels_are_escaped(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 256);
    assert_int_equal(metrics_label(&buffer, "a\\b\"c\nd {}"), 0);
    assert_int_equal(buffer_append(&buffer, "", 1), 0);
    assert_string_equal(buffer.data, "a\\\\b\\\"c\\nd {}");
    buffer_finish(&buffer);
}

static char *written(const struct snapshot *snapshot, struct buffer *buffer)
{
    buffer_init(buffer, 1 << 20);
    assert_int_equal(metrics_write(buffer, snapshot, "0.1\"x"), 0);
    assert_int_equal(buffer_append(buffer, "", 1), 0);
    return buffer->data;
}

static void test_values(void **state)
{
    (void)state;
    struct snapshot snapshot = {.status = {.ticks = 5,
                                           .freed_bytes_total = -4096,
                                           .self_private_bytes = -1,
                                           .self_rss_bytes = 1 << 20,
                                           .self_cpu_permyriad = 50}};
    sample_set(&snapshot.host, METRIC_MEM_TOTAL, INT64_C(1) << 40, 1);
    sample_set(&snapshot.host, METRIC_PSI_SOME_AVG10, 1234, 1);
    sample_set(&snapshot.host, METRIC_OOM_KILLS, 3, 1);
    sample_set(&snapshot.host, METRIC_HOST_MAJOR_FAULTS, 9, 1);
    struct buffer buffer;
    const char *text = written(&snapshot, &buffer);
    static const char *const lines[] = {
        "\nmemtend_build_info{version=\"0.1\\\"x\"} 1\n",
        "\nmemtend_ticks_total 5\n",
        "\nmemtend_actions_freed_bytes -4096\n",
        "\nmemtend_self_rss_bytes 1048576\n",
        "\nmemtend_self_cpu_ratio 0.005\n",
        "\nmemtend_host_mem_total_bytes 1099511627776\n",
        "\nmemtend_host_psi_some_avg10_ratio 0.1234\n",
        "\n# TYPE memtend_host_oom_kills_total counter\nmemtend_host_oom_kills_total 3\n",
        "\nmemtend_host_faults_major_total 9\n",
        "\nmemtend_probe_state{state=\"ok\"} 1\n",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (!strstr(text, lines[i]))
            fail_msg("lacks %s in\n%s", lines[i], text);
    /* Unknown is absent. */
    assert_null(strstr(text, "self_private"));
    assert_null(strstr(text, "swap_free"));
    buffer_finish(&buffer);
}

/* The largest fifty; limit and headroom of those that a group limits. */
static void test_cgroups(void **state)
{
    (void)state;
    static struct cgroup groups[120];
    for (size_t i = 0; i < 120; i++) {
        groups[i] = (struct cgroup){.serial = i % 2 ? (uint32_t)i : 0};
        snprintf(groups[i].path, sizeof(groups[i].path), "/g%zu\"", i);
        cgroup_set(&groups[i], CGROUP_VALUE_NEEDED, (int64_t)i * 4096);
        cgroup_set(&groups[i], CGROUP_VALUE_LIMIT, 1 << 30);
        cgroup_set(&groups[i], CGROUP_VALUE_HEADROOM, -1);
    }
    memcpy(groups[117].limit_path, "/g", 3);
    struct snapshot snapshot = {.cgroup_count = 120, .cgroups = groups};
    struct buffer buffer;
    const char *text = written(&snapshot, &buffer);
    assert_non_null(strstr(text, "\nmemtend_cgroup_needed_bytes{cgroup=\"/g119\\\"\"} 487424\n"));
    assert_non_null(strstr(text, "\nmemtend_cgroup_headroom_bytes{cgroup=\"/g117\\\"\"} -1\n"));
    assert_null(strstr(text, "headroom_bytes{cgroup=\"/g119"));
    assert_null(strstr(text, "/g118")); /* a free place */
    assert_null(strstr(text, "/g19"));  /* the fifty-first */
    assert_non_null(strstr(text, "/g21"));
    buffer_finish(&buffer);
}

/* The buckets of a histogram carry its name and an ending. */
static const char *after_name(const char *line, const char *type)
{
    const char *rest = line + strlen(type);
    for (const char *const *ending = (const char *const[]){"_bucket", "_sum", "_count", NULL};
         *ending; ending++)
        if (strncmp(rest, *ending, strlen(*ending)) == 0)
            return rest + strlen(*ending);
    return rest;
}

static void test_a_histogram_counts_up(void **state)
{
    (void)state;
    struct snapshot snapshot = {0};
    struct buffer buffer;
    status_count_late(&snapshot.status, 0);
    status_count_late(&snapshot.status, 5000);
    status_count_late(&snapshot.status, 5001);
    status_count_late(&snapshot.status, 70 * 1000000);
    const char *text = written(&snapshot, &buffer);
    assert_non_null(strstr(text, "lateness_seconds_bucket{le=\"0.0005\"} 1\n"));
    assert_non_null(strstr(text, "lateness_seconds_bucket{le=\"0.005\"} 2\n"));
    assert_non_null(strstr(text, "lateness_seconds_bucket{le=\"0.01\"} 3\n"));
    assert_non_null(strstr(text, "lateness_seconds_bucket{le=\"+Inf\"} 4\n"));
    assert_non_null(strstr(text, "lateness_seconds_sum 70.010001\n"));
    assert_non_null(strstr(text, "lateness_seconds_count 4\n"));
    buffer_finish(&buffer);
}

static void test_groups(void **state)
{
    (void)state;
    struct group_record groups[] = {
        {.kind = GROUP_KIND_UNIT,
         .name = "a\"b",
         .members = 2,
         .rss_bytes = 100,
         .came = 2,
         .pss_members = 1,
         .pss_bytes = 40,
         .first_seen_wall_usec = 1},
        {.kind = GROUP_KIND_NONE},
        {.kind = GROUP_KIND_NAME, .name = "gone", .came = 3, .went = 3, .first_seen_wall_usec = 1},
    };
    struct snapshot snapshot = {.groups = groups, .group_count = 3};
    struct buffer buffer;
    const char *text = written(&snapshot, &buffer);
    static const char *const lines[] = {
        "\nmemtend_group_members{group=\"a\\\"b\",kind=\"unit\"} 2\n",
        "\nmemtend_group_rss_bytes{group=\"a\\\"b\",kind=\"unit\"} 100\n",
        "\nmemtend_group_pss_bytes{group=\"a\\\"b\",kind=\"unit\"} 40\n",
        "\nmemtend_group_members_came_total{group=\"gone\",kind=\"name\"} 3\n",
        "\nmemtend_group_members_went_total{group=\"gone\",kind=\"name\"} 3\n",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (!strstr(text, lines[i]))
            fail_msg("lacks %s in\n%s", lines[i], text);
    assert_null(strstr(text, "rss_bytes{group=\"gone\""));
    assert_null(strstr(text, "uss_bytes{"));
    buffer_finish(&buffer);
}

/* Every sample has its HELP and TYPE before it, and a name of ours. */
static void test_format(void **state)
{
    (void)state;
    struct snapshot snapshot = {0};
    for (enum metric metric = METRIC_HOST_FIRST; metric < METRIC_COUNT; metric++)
        sample_set(&snapshot.host, metric, 1, 1);
    struct buffer buffer;
    char *text = written(&snapshot, &buffer), *rest = NULL, type[128] = "";
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "# HELP ", 7) == 0)
            continue;
        if (strncmp(line, "# TYPE ", 7) == 0) {
            snprintf(type, sizeof(type), "%.*s", (int)strcspn(line + 7, " "), line + 7);
            continue;
        }
        assert_int_equal(strncmp(line, "memtend_", 8), 0);
        assert_int_equal(strncmp(line, type, strlen(type)), 0);
        const char *rest_of_line = after_name(line, type);
        assert_true(*rest_of_line == ' ' || *rest_of_line == '{');
    }
    buffer_finish(&buffer);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels_are_escaped),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_cgroups),
        cmocka_unit_test(test_a_histogram_counts_up),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
