/* SPDX-License-Identifier: MIT */
/*
 * Control group trees in the formats of several kernels, as tests/fixtures/cgroup has them, against
 * tests/fixtures/cgroup/NAME/golden: every value of every group. What follows from them is worked
 * out here by hand.
 */
#include "base/file.h"
#include "base/text.h"
#include "collect/cgroup_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB  (INT64_C(1) << 20)
#define GIB  (INT64_C(1) << 30)
#define NONE INT64_MIN /* the value is absent */

/* A container id of the fixtures: four digits, sixteen times. */
static char *ids(const char *format, const char *four)
{
    static char text[512];
    char id[65] = "";
    for (size_t i = 0; *four && i < 16; i++)
        memcpy(id + i * 4, four, 5);
    snprintf(text, sizeof(text), format, id);
    return text;
}

static int open_tree(const char *name, struct cgroup_mounts *ret_mounts)
{
    char path[512], mountinfo[600];
    snprintf(path, sizeof(path), FIXTURES "/cgroup/%s", name);
    snprintf(mountinfo, sizeof(mountinfo), "%s/mountinfo", path);
    int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(root >= 0);
    cgroup_mounts_find(root, mountinfo, ret_mounts);
    return root;
}

static struct sample machine(void)
{
    struct sample host = {0};
    sample_set(&host, METRIC_MEM_TOTAL, 2 * GIB, 1);
    sample_set(&host, METRIC_MEM_AVAILABLE, 600 * MIB, 1);
    return host;
}

static struct cgroup read_group(const struct cgroup_mounts *mounts, const char *path)
{
    struct sample host = machine();
    struct cgroup group = {0};
    assert_int_equal(cgroup_memory_read_path(mounts, path, &host, 7, &group), OUTCOME_OK);
    assert_int_equal(group.mono_usec, 7);
    assert_string_equal(group.path, path);
    return group;
}

static int64_t value_of(const struct cgroup *group, enum cgroup_value value)
{
    int64_t number = NONE;
    cgroup_get(group, value, &number);
    return number;
}

struct expected {
    const char *tree, *path, *id; /* id: what %s of path is */
    int64_t needed_bytes, limit_bytes, headroom_bytes;
    const char *limit_path; /* with the same id */
};

static const char burstable[] =
    "/kubepods.slice/kubepods-burstable.slice/"
    "kubepods-burstable-pod7a1c0f52_9d3e_4b61_8f0a_2c5d7e9b1a34.slice/cri-containerd-%s.scope";
static const char podman[] =
    "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-%s.scope/container";
static const char podman_scope[] =
    "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-%s.scope";
static const char crio[] = "/kubepods/besteffort/pod0f9e8d7c-6b5a-4938-8271-605f4e3d2c1b/crio-%s";

static const struct expected expected[] = {
    /* 96 + 32 + 8 locked; kernel_stack + slab 4 MiB; swap is not counted there */
    {"linux-5.4", "/docker/%s", "0123", 140 * MIB + 294912, 256 * MIB, 116 * MIB - 294912,
     "/docker/%s"},
    /* Below no limit: the machine's, and what the kernel calls available. */
    {"linux-5.4", "/docker", "", 140 * MIB + 294912, 2 * GIB, 600 * MIB, ""},
    {"linux-5.4", "/", "", 928 * MIB + 294912, 2 * GIB, 600 * MIB, ""},
    /* Its own limit is the smaller one; that of the slice is nearer: 512 - (428 + 464 KiB). */
    {"linux-5.10", burstable, "ab12", 204 * MIB + 163840 + 73728, 300 * MIB,
     84 * MIB - 327680 - 147456, burstable},
    /* The swap cache is memory and swap: 68 + 4.08 + 24 - 4. The limit is of the parent. */
    {"linux-5.15", podman, "c0de", 92 * MIB + 81920 + 4096, 128 * MIB, 36 * MIB - 81920 - 4096,
     podman_scope},
    /* 550 + 50 locked + (45 - 20 zswap) + (80 - 2) */
    {"linux-6.1", "/system.slice/etl.service", "", 703 * MIB, GIB, 321 * MIB,
     "/system.slice/etl.service"},
    /* Its memory is counted above, and so is its limit. */
    {"linux-6.1", "/system.slice/etl.service/threads", "", NONE, GIB, 321 * MIB,
     "/system.slice/etl.service"},
    /* 600 + 30 + 100 in swap: negative, the limit holds only because of swap. */
    {"linux-6.18", crio, "f00d", 730 * MIB, 720 * MIB, -10 * MIB, crio},
    /* A limit that no machine has is none. */
    {"linux-6.18", "/lxc.payload.web/system.slice/nginx.service", "", 730 * MIB, 2 * GIB, 600 * MIB,
     ""},
    /* A limit above the machine's memory is none either. */
    {"linux-6.18", "/kubepods", "", 730 * MIB, 2 * GIB, 600 * MIB, ""},
    /* Recorded: 108400640 of anon, 299008 of the kernel; 200 MiB. */
    {"debian-12", "/system.slice/limited.service", "", 108699648, 200 * MIB, 200 * MIB - 108699648,
     "/system.slice/limited.service"},
    {"v1-4.19", "/docker/%s", "beef", 110 * MIB + 4096, 300 * MIB, 190 * MIB - 4096, "/docker/%s"},
    {"v1-4.19", "/docker", "", 110 * MIB + 4096, 2 * GIB, 600 * MIB, ""},
    {"v2-no-memory", "/system.slice/x.service", "", NONE, 2 * GIB, 600 * MIB, ""},
};

static void test_needed_limit_headroom(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        struct cgroup_mounts mounts;
        char path[512];
        int root = open_tree(expected[i].tree, &mounts);
        text_copy(path, sizeof(path), ids(expected[i].path, expected[i].id));
        struct cgroup group = read_group(&mounts, path);
        print_message("%s %s\n", expected[i].tree, path);
        assert_int_equal(value_of(&group, CGROUP_VALUE_NEEDED), expected[i].needed_bytes);
        assert_int_equal(value_of(&group, CGROUP_VALUE_LIMIT), expected[i].limit_bytes);
        assert_int_equal(value_of(&group, CGROUP_VALUE_HEADROOM), expected[i].headroom_bytes);
        assert_string_equal(group.limit_path, ids(expected[i].limit_path, expected[i].id));
        cgroup_mounts_finish(&mounts);
        close(root);
    }
}

static void dump_group(const struct cgroup *group, FILE *out)
{
    fprintf(out, "%s %s\n", group->unified ? "v2" : "v1", group->path);
    for (enum cgroup_value value = 0; value < CGROUP_VALUE_COUNT; value++) {
        int64_t number;
        if (cgroup_get(group, value, &number))
            fprintf(out, "  %s %" PRId64 "\n", cgroup_value_name(value), number);
    }
}

static void assert_golden(const char *tree, const char *text)
{
    char path[512];
    char *golden = NULL;
    size_t length;
    snprintf(path, sizeof(path), FIXTURES "/cgroup/%s/golden", tree);
    if (file_read_all(path, 1 << 20, &golden, &length) < 0 || strcmp(golden, text) != 0) {
        print_message("%s differs from\n", path);
        fputs(text, stderr); /* print_message() would cut it */
        fail();
    }
    free(golden);
}

/* Each group of each tree, in the order of the table above. */
static void test_every_value(void **state)
{
    (void)state;
    size_t count = sizeof(expected) / sizeof(expected[0]);
    for (size_t i = 0; i < count;) {
        const char *tree = expected[i].tree;
        struct cgroup_mounts mounts;
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        int root = open_tree(tree, &mounts);
        for (; i < count && strcmp(expected[i].tree, tree) == 0; i++) {
            struct cgroup group = read_group(&mounts, ids(expected[i].path, expected[i].id));
            dump_group(&group, out);
        }
        fclose(out);
        assert_golden(tree, text);
        free(text);
        cgroup_mounts_finish(&mounts);
        close(root);
    }
}

/* The sibling fills the parent: its limit is larger, and nearer. */
static void test_headroom_of_a_parent(void **state)
{
    (void)state;
    struct cgroup_mounts mounts;
    int root = open_tree("linux-5.10", &mounts);
    struct cgroup pod = read_group(&mounts, "/kubepods.slice/kubepods-burstable.slice");
    assert_int_equal(value_of(&pod, CGROUP_VALUE_LIMIT), 512 * MIB);
    assert_string_equal(pod.limit_path, "/kubepods.slice");
    struct cgroup leaf = read_group(&mounts, ids(burstable, "ab12"));
    assert_true(value_of(&leaf, CGROUP_VALUE_HEADROOM) <
                value_of(&leaf, CGROUP_VALUE_LIMIT) - value_of(&leaf, CGROUP_VALUE_NEEDED));
    cgroup_mounts_finish(&mounts);
    close(root);
}

/* v1 in a container: its own part is mounted, a smaller limit is set above it. */
static void test_limit_out_of_sight(void **state)
{
    (void)state;
    struct cgroup_mounts mounts;
    int root = open_tree("v1-container", &mounts);
    assert_int_equal(mounts.kind, CGROUP_KIND_V1);
    char path[512];
    text_copy(path, sizeof(path),
              ids("/kubepods/burstable/pod3f2e1d0c-b1a2-4c3d-9e8f-7a6b5c4d3e2f/%s", "d1ce"));
    struct cgroup group = read_group(&mounts, path);
    assert_int_equal(value_of(&group, CGROUP_VALUE_LIMIT), 200 * MIB);
    assert_int_equal(value_of(&group, CGROUP_VALUE_HEADROOM), NONE);
    assert_string_equal(group.limit_path, CGROUP_LIMIT_ABOVE);
    /* 100 + 4 KiB locked + 3 kernel + 6 swap - 1 in the swap cache */
    assert_int_equal(value_of(&group, CGROUP_VALUE_NEEDED), 108 * MIB + 4096);
    struct sample host = machine();
    assert_int_equal(cgroup_memory_read_path(&mounts, "/kubepods/burstable", &host, 1, &group),
                     OUTCOME_GONE);
    cgroup_mounts_finish(&mounts);
    close(root);
}

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *tree;
        enum cgroup_kind kind;
    } cases[] = {{"linux-5.4", CGROUP_KIND_V2},
                 {"v1-4.19", CGROUP_KIND_V1}, /* hybrid: v2 is there, without the controller */
                 {"v2-no-memory", CGROUP_KIND_V2_NO_MEMORY},
                 {"none", CGROUP_KIND_NONE}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cgroup_mounts mounts = {.count = 9};
        char mountinfo[512];
        snprintf(mountinfo, sizeof(mountinfo), FIXTURES "/cgroup/%s/mountinfo", cases[i].tree);
        char path[512];
        snprintf(path, sizeof(path), FIXTURES "/cgroup/%s", cases[i].tree);
        int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        cgroup_mounts_find(root, mountinfo, &mounts);
        assert_int_equal(mounts.kind, cases[i].kind);
        assert_int_equal(mounts.count, mounts.kind != CGROUP_KIND_NONE);
        cgroup_mounts_finish(&mounts);
        if (root >= 0)
            close(root);
    }
}

static void test_a_directory_that_somebody_named(void **state)
{
    (void)state;
    struct cgroup_mounts mounts;
    int root = open(FIXTURES "/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(cgroup_mounts_open(root, "/linux-6.1/sys/fs/cgroup", &mounts), 0);
    assert_int_equal(mounts.kind, CGROUP_KIND_V2);
    cgroup_mounts_finish(&mounts);
    assert_int_equal(cgroup_mounts_open(root, "/v1-4.19/sys/fs/cgroup/memory", &mounts), 0);
    assert_int_equal(mounts.kind, CGROUP_KIND_V1);
    cgroup_mounts_finish(&mounts);
    assert_int_equal(cgroup_mounts_open(root, "/v2-no-memory/sys/fs/cgroup", &mounts), 0);
    assert_int_equal(mounts.kind, CGROUP_KIND_V2_NO_MEMORY);
    cgroup_mounts_finish(&mounts);
    assert_int_equal(cgroup_mounts_open(root, "/linux-6.1", &mounts), -EINVAL);
    assert_int_equal(cgroup_mounts_open(root, "/nothing", &mounts), -ENOENT);
    close(root);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_needed_limit_headroom),
        cmocka_unit_test(test_every_value),
        cmocka_unit_test(test_headroom_of_a_parent),
        cmocka_unit_test(test_limit_out_of_sight),
        cmocka_unit_test(test_a_directory_that_somebody_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
