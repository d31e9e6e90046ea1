/* SPDX-License-Identifier: MIT */
/* What is read from paths and names of control groups, and from files that are not right. */
#include "base/text.h"
#include "collect/cgroup_memory.h"
#include "collect/cgroup_names.h"
#include "collect/cgroup_owner.h"
#include "collect/cgroup_stat.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ID  "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"
#define ID2 "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define UID "7a1c0f52-9d3e-4b61-8f0a-2c5d7e9b1a34"

struct owner_case {
    const char *path;
    enum container_runtime runtime;
    const char *id, *pod;
};

static const struct owner_case owners[] = {
    {"/system.slice/docker-" ID ".scope", CONTAINER_RUNTIME_DOCKER, ID, ""},
    {"/docker/" ID, CONTAINER_RUNTIME_DOCKER, ID, ""},
    {"/docker/" ID "/init.scope", CONTAINER_RUNTIME_DOCKER, ID, ""},
    {"/docker/" ID "/docker/" ID2, CONTAINER_RUNTIME_DOCKER, ID2, ""},
    {"/kubepods.slice/kubepods-burstable.slice/"
     "kubepods-burstable-pod7a1c0f52_9d3e_4b61_8f0a_2c5d7e9b1a34.slice/cri-containerd-" ID ".scope",
     CONTAINER_RUNTIME_CONTAINERD, ID, UID},
    {"/kubepods.slice/kubepods-pod7a1c0f52_9d3e_4b61_8f0a_2c5d7e9b1a34.slice/docker-" ID ".scope",
     CONTAINER_RUNTIME_DOCKER, ID, UID},
    {"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"
     "kubelet-kubepods-besteffort-pod7a1c0f52_9d3e_4b61_8f0a_2c5d7e9b1a34.slice/crio-" ID ".scope",
     CONTAINER_RUNTIME_CRIO, ID, UID},
    {"/kubepods/burstable/pod" UID "/" ID, CONTAINER_RUNTIME_CONTAINERD, ID, UID},
    {"/kubepods/pod" UID "/" ID "/app", CONTAINER_RUNTIME_CONTAINERD, ID, UID},
    {"/kubepods/besteffort/pod" UID "/crio-" ID, CONTAINER_RUNTIME_CRIO, ID, UID},
    /* A static pod has the hash of its manifest. */
    {"/kubepods/burstable/pod0123456789abcdef0123456789abcdef/" ID, CONTAINER_RUNTIME_CONTAINERD,
     ID, "0123456789abcdef0123456789abcdef"},
    /* runc and the runtime do not agree on the driver */
    {"/system.slice/containerd.service/"
     "kubepods-burstable-pod7a1c0f52_9d3e_4b61_8f0a_2c5d7e9b1a34.slice:cri-containerd:" ID,
     CONTAINER_RUNTIME_CONTAINERD, ID, UID},
    {"/kubepods/burstable/pod" UID, CONTAINER_RUNTIME_NONE, "", UID},
    {"/kubepods/burstable/pod" UID "/" ID "/docker/" ID2, CONTAINER_RUNTIME_DOCKER, ID2, UID},
    {"/machine.slice/libpod-" ID ".scope/container", CONTAINER_RUNTIME_PODMAN, ID, ""},
    {"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope",
     CONTAINER_RUNTIME_PODMAN, ID, ""},
    {"/machine.slice/machine-libpod_pod_" ID2 ".slice/libpod-" ID ".scope",
     CONTAINER_RUNTIME_PODMAN, ID, ""},
    {"/libpod_parent/libpod-" ID, CONTAINER_RUNTIME_PODMAN, ID, ""},
    {"/system.slice/x.service/libpod-payload-" ID, CONTAINER_RUNTIME_PODMAN, ID, ""},
    {"/system.slice/nerdctl-" ID ".scope", CONTAINER_RUNTIME_CONTAINERD, ID, ""},
    {"/machine.slice/systemd-nspawn@build\\x2dbox.service/payload/init.scope",
     CONTAINER_RUNTIME_NSPAWN, "build-box", ""},
    {"/machine.slice/machine-build\\x2dbox.scope/system.slice/x.service", CONTAINER_RUNTIME_NSPAWN,
     "build-box", ""},
    {"/machine.slice/machine-lxc\\x2d7\\x2dweb.scope", CONTAINER_RUNTIME_LXC, "7-web", ""},
    {"/lxc/101/ns/system.slice", CONTAINER_RUNTIME_LXC, "101", ""},
    {"/lxc.payload/web", CONTAINER_RUNTIME_LXC, "web", ""},
    {"/lxc.payload.web/system.slice/docker-" ID ".scope", CONTAINER_RUNTIME_DOCKER, ID, ""},
    {"/lxc.payload.web", CONTAINER_RUNTIME_LXC, "web", ""},
    /* --cgroup-parent: a container, nobody says whose */
    {"/actions_job/" ID, CONTAINER_RUNTIME_NONE, ID, ""},
    {"/../../docker/" ID, CONTAINER_RUNTIME_DOCKER, ID, ""},
    /* none */
    {"/", CONTAINER_RUNTIME_NONE, "", ""},
    {"", CONTAINER_RUNTIME_NONE, "", ""},
    {"/system.slice/docker.service", CONTAINER_RUNTIME_NONE, "", ""},
    {"/system.slice/docker-" ID, CONTAINER_RUNTIME_NONE, "", ""},
    {"/system.slice/docker-0a1b2c.scope", CONTAINER_RUNTIME_NONE, "", ""},
    {"/docker/0A1B", CONTAINER_RUNTIME_NONE, "", ""},
    {"/machine.slice/libpod-conmon-" ID ".scope", CONTAINER_RUNTIME_NONE, "", ""},
    {"/lxc.monitor.web", CONTAINER_RUNTIME_NONE, "", ""},
    {"/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", CONTAINER_RUNTIME_NONE, "", ""},
    {"/kubepods/burstable/pod7a1c0f52+9d3e+4b61+8f0a+2c5d7e9b1a34", CONTAINER_RUNTIME_NONE, "", ""},
    {"/kubepods-burstable-pod.slice", CONTAINER_RUNTIME_NONE, "", ""},
    {"/pod/-pod.slice/.scope/docker-.scope/libpod-", CONTAINER_RUNTIME_NONE, "", ""},
};

static void test_owners(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
        struct cgroup_owner owner;
        memset(&owner, 'x', sizeof(owner));
        cgroup_owner_parse(owners[i].path, &owner);
        assert_string_equal(owner.container_id, owners[i].id);
        assert_string_equal(container_runtime_name(owner.runtime),
                            container_runtime_name(owners[i].runtime));
        assert_string_equal(owner.pod_uid, owners[i].pod);
        assert_string_equal(owner.name, "");
    }
}

static void test_hostile_owners(void **state)
{
    (void)state;
    struct cgroup_owner owner;
    cgroup_owner_parse("/lxc/a\x1b[2J\xff\xe2\x80\xae", &owner);
    assert_true(text_is_clean(owner.container_id) && owner.container_id[0] == 'a');
    cgroup_owner_parse("/machine.slice/machine-\\x1b\\x00\\x0a\\x.scope", &owner);
    assert_true(text_is_clean(owner.container_id));
    char path[2048] = "/lxc/";
    memset(path + 5, 'n', sizeof(path) - 6);
    cgroup_owner_parse(path, &owner);
    assert_int_equal(strlen(owner.container_id), CGROUP_CONTAINER_ID_SIZE - 1);
}

static void test_names_of_links(void **state)
{
    (void)state;
    static const struct {
        const char *file, *name; /* NULL: none */
    } cases[] = {
        {"web-7d9-x2_shop_nginx-" ID ".log", "web-7d9-x2/nginx"},
        {"a.b_ns_c-d-" ID ".log", "a.b/c-d"},
        {"web_shop_nginx-" ID ".log.1", NULL},
        {"web_shop_nginx" ID ".log", NULL},
        {"web_shop_-" ID ".log", NULL},
        {"web__nginx-" ID ".log", NULL},
        {"_shop_nginx-" ID ".log", NULL},
        {"web_nginx-" ID ".log", NULL},
        {"a_b_c_d-" ID ".log", NULL},
        {"Web_shop_nginx-" ID ".log", NULL},
        {"web\x1b_shop_nginx-" ID ".log", NULL},
        {"web_shop_nginx-" ID "0.log", NULL}, /* the last 64 are not behind a dash */
        {"-" ID ".log", NULL},
        {".log", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cgroup_name name = {.name = "before"};
        bool found = cgroup_names_parse(cases[i].file, &name);
        assert_int_equal(found, cases[i].name != NULL);
        assert_string_equal(name.name, found ? cases[i].name : "before");
        if (found)
            assert_string_equal(name.container_id, ID);
    }
}

static void repeat(char *id, const char *four)
{
    for (size_t i = 0; i < 16; i++)
        memcpy(id + i * 4, four, 5);
}

static void test_names_of_a_directory(void **state)
{
    (void)state;
    struct cgroup_name names[4] = {0};
    repeat(names[0].container_id, "ab12");
    repeat(names[1].container_id, "0000");
    repeat(names[2].container_id, "beef");
    repeat(names[3].container_id, "ab12"); /* twice: two groups of one container */
    int root = open(FIXTURES "/cgroup/kubelet-names", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(cgroup_names_find(root, names, 4), 3);
    assert_string_equal(names[0].name, "web-7d9f8b6c5-x2x4z/nginx");
    assert_string_equal(names[1].name, "");
    assert_int_equal(strlen(names[2].name), CGROUP_NAME_SIZE - 1);
    assert_string_equal(names[2].name + CGROUP_NAME_SIZE - 3, "/c");
    assert_string_equal(names[3].name, names[0].name);
    close(root);
    root = open(FIXTURES "/cgroup/linux-6.1", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(cgroup_names_find(root, names, 4), 0);
    close(root);
}

static void test_mountinfo(void **state)
{
    (void)state;
    struct cgroup_mount_entry entries[8];
    static const char text[] =
        "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
        "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
        "35 31 0:32 /a\\040b /mnt/my\\134x rw shared:1 master:2 - cgroup none rw,cpuset,memory\n"
        "36 31 0:33 / /memoryless rw - cgroup cgroup rw,name=memory\n"
        "41 31 0:38 /../.. /host/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n"
        "42 31 0:39 relative /x rw - cgroup2 cgroup2 rw\n"
        "43 31 0:39 / rw - cgroup2\n"
        "44 31 0:39 / /dash - - cgroup2 cgroup2 rw\n"
        "\n - cgroup2\n"
        "45 31 0:39 / /cut rw - cgroup2 cgroup2 rw";
    size_t count = cgroup_mounts_parse(text, strlen(text), entries, 8);
    assert_int_equal(count, 3);
    assert_string_equal(entries[0].root, "/a b");
    assert_string_equal(entries[0].point, "/mnt/my\\x");
    assert_false(entries[0].unified);
    assert_string_equal(entries[1].root, "/../..");
    assert_true(entries[1].unified);
    assert_int_equal(cgroup_mounts_parse(text, strlen(text), entries, 2), 2);
}

static void test_places(void **state)
{
    (void)state;
    /* In a container that also has the host's hierarchy mounted. */
    struct cgroup_mounts mounts = {
        .kind = CGROUP_KIND_V2,
        .count = 2,
        .mounts = {{.directory = -1, .root = "/"}, {.directory = -2, .root = "/../../.."}}};
    static const struct {
        const char *path;
        int mount; /* -1: none */
        const char *relative;
    } cases[] = {
        {"/", 0, "."},
        {"/app", 0, "app"},
        {"/app/x..y/..z", 0, "app/x..y/..z"},
        {"/../../../system.slice/x.service", 1, "system.slice/x.service"},
        {"/../../..", 1, "."},
        {"/../other", -1, NULL},
        {"/../../../../x", -1, NULL},
        {"/../../..x", -1, NULL},
        {"/app/../../x", -1, NULL},
        {"/app (deleted)", -1, NULL},
        {"/ (deleted)", -1, NULL},
        {"relative", -1, NULL},
        {"", -1, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *relative = NULL;
        const struct cgroup_mount *mount = cgroup_mounts_place(&mounts, cases[i].path, &relative);
        assert_ptr_equal(mount, cases[i].mount < 0 ? NULL : &mounts.mounts[cases[i].mount]);
        if (mount)
            assert_string_equal(relative, cases[i].relative);
        else
            assert_null(relative);
    }
    /* docker without a namespace: the mount shows the container's own group as its root */
    struct cgroup_mounts own = {.count = 1, .mounts = {{.root = "/docker/" ID}}};
    const char *relative;
    assert_non_null(cgroup_mounts_place(&own, "/docker/" ID, &relative));
    assert_string_equal(relative, ".");
    assert_non_null(cgroup_mounts_place(&own, "/docker/" ID "/x", &relative));
    assert_string_equal(relative, "x");
    assert_null(cgroup_mounts_place(&own, "/docker/" ID2, &relative));
    assert_null(cgroup_mounts_place(&own, "/docker/" ID "0", &relative));
    assert_null(cgroup_mounts_place(&own, "/docker", &relative));
    char path[CGROUP_MOUNT_PATH_SIZE + 8];
    memset(path, '/', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_null(cgroup_mounts_place(&mounts, path, &relative));
}

static void test_parents_and_what_is_shown(void **state)
{
    (void)state;
    char path[] = "/a/b.slice", text[CGROUP_PATH_SIZE];
    assert_true(cgroup_memory_parent(path));
    assert_string_equal(path, "/a");
    assert_true(cgroup_memory_parent(path));
    assert_string_equal(path, "/");
    assert_false(cgroup_memory_parent(path));
    char raw[400];
    memset(raw, 0xE2, sizeof(raw)); /* each becomes three bytes */
    raw[0] = '/';
    raw[sizeof(raw) - 2] = 'z';
    raw[sizeof(raw) - 1] = '\0';
    cgroup_memory_show_path(raw, text);
    assert_true(text_is_clean(text));
    assert_true(strlen(text) > CGROUP_PATH_SIZE - 8);
    assert_non_null(strstr(text, "..."));
    assert_int_equal(text[strlen(text) - 1], 'z');
    cgroup_memory_show_path("/a\x1b"
                            "b",
                            text);
    assert_string_equal(text, "/a\xEF\xBF\xBD"
                              "b");
}

static void test_numbers(void **state)
{
    (void)state;
    int64_t number = -1;
    assert_true(cgroup_number_parse("104857600\n", 10, &number));
    assert_int_equal(number, 104857600);
    static const char *const none[] = {"max\n",
                                       "",
                                       "\n",
                                       "1",
                                       "1 \n",
                                       "-1\n",
                                       "1\n2\n",
                                       "0x1\n",
                                       "9223372036854771712\n",
                                       "99999999999999999999999\n"};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_false(cgroup_number_parse(none[i], strlen(none[i]), &number));
    assert_int_equal(number, 104857600);
}

static const char *const damaged[] = {"truncated", "empty", "words", "huge", "twice"};

/* Nothing that is cut, too large or no number becomes a value. */
static void test_damaged(void **state)
{
    (void)state;
    struct cgroup_mounts mounts;
    int root = open(FIXTURES "/cgroup/damaged", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(cgroup_mounts_open(root, "/sys/fs/cgroup", &mounts), 0);
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        struct cgroup group = {.present = UINT32_MAX};
        int64_t number;
        assert_int_equal(
            cgroup_memory_read(&mounts, &mounts.mounts[0], damaged[i], CGROUP_DEPTH_ALL, 1, &group),
            OUTCOME_OK);
        assert_false(cgroup_get(&group, CGROUP_VALUE_CURRENT, &number));
        assert_false(cgroup_get(&group, CGROUP_VALUE_MAX, &number));
        assert_false(cgroup_get(&group, CGROUP_VALUE_PSI_FULL_AVG10, &number));
        bool whole = strcmp(damaged[i], "twice") == 0;
        assert_int_equal(cgroup_get(&group, CGROUP_VALUE_NEEDED, &number), whole);
    }
    cgroup_mounts_finish(&mounts);
    close(root);
}

static void write_file(const char *directory, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static const char stat_text[] =
    "anon 10\nfile 4\nkernel 3\ninactive_anon 6\nactive_anon 4\nunevictable 1\n";

/* A group goes in any moment: what was read is whole, or nothing of it is kept. */
static void test_gone_between_two_reads(void **state)
{
    (void)state;
    char directory[] = "/tmp/memtend-cgroup-XXXXXX", path[512];
    assert_non_null(mkdtemp(directory));
    write_file(directory, "cgroup.controllers", "memory\n");
    snprintf(path, sizeof(path), "%s/x", directory);
    mkdir(path, 0755);
    write_file(path, "cgroup.procs", "");
    write_file(path, "memory.current", "20\n");
    write_file(path, "memory.stat", stat_text);
    struct cgroup_mounts mounts;
    struct cgroup group = {0};
    int64_t number;
    assert_int_equal(cgroup_mounts_open(AT_FDCWD, ".", &mounts), -EINVAL);
    int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(cgroup_mounts_open(root, directory, &mounts), 0);
    const struct cgroup_mount *mount = &mounts.mounts[0];
    assert_int_equal(cgroup_memory_read(&mounts, mount, "x", CGROUP_DEPTH_ALL, 1, &group),
                     OUTCOME_OK);
    assert_true(cgroup_get(&group, CGROUP_VALUE_NEEDED, &number));
    assert_int_equal(number, 14);
    static const struct {
        const char *file;
        enum outcome outcome; /* without this and the ones before */
    } steps[] = {{"memory.stat", OUTCOME_GONE},
                 {"memory.current", OUTCOME_ABSENT},
                 {"cgroup.procs", OUTCOME_GONE}};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        char file[600];
        snprintf(file, sizeof(file), "%s/%s", path, steps[i].file);
        unlink(file);
        group.present = 1;
        assert_int_equal(cgroup_memory_read(&mounts, mount, "x", CGROUP_DEPTH_ALL, 1, &group),
                         steps[i].outcome);
        assert_int_equal(group.present, 0);
    }
    rmdir(path);
    assert_int_equal(cgroup_memory_read(&mounts, mount, "x", CGROUP_DEPTH_ALL, 1, &group),
                     OUTCOME_GONE);
    cgroup_mounts_finish(&mounts);
    snprintf(path, sizeof(path), "%s/cgroup.controllers", directory);
    unlink(path);
    rmdir(directory);
    close(root);
}

/* The shallow reading leaves what it does not read as it was. */
static void test_depth(void **state)
{
    (void)state;
    struct cgroup_mounts mounts;
    struct cgroup group = {0};
    int64_t number;
    int root = open(FIXTURES "/cgroup/linux-6.1", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(cgroup_mounts_open(root, "/sys/fs/cgroup", &mounts), 0);
    const struct cgroup_mount *mount = &mounts.mounts[0];
    const char *path = "system.slice/etl.service";
    assert_int_equal(cgroup_memory_read(&mounts, mount, path, CGROUP_DEPTH_NEEDED, 1, &group),
                     OUTCOME_OK);
    assert_true(cgroup_get(&group, CGROUP_VALUE_NEEDED, &number));
    assert_true(cgroup_get(&group, CGROUP_VALUE_EVENTS_OOM_KILL, &number));
    assert_false(cgroup_get(&group, CGROUP_VALUE_PEAK, &number));
    cgroup_memory_read(&mounts, mount, path, CGROUP_DEPTH_ALL, 2, &group);
    assert_true(cgroup_get(&group, CGROUP_VALUE_PEAK, &number));
    cgroup_memory_read(&mounts, mount, path, CGROUP_DEPTH_NEEDED, 3, &group);
    assert_true(cgroup_get(&group, CGROUP_VALUE_PEAK, &number));
    cgroup_mounts_finish(&mounts);
    close(root);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owners),
        cmocka_unit_test(test_hostile_owners),
        cmocka_unit_test(test_names_of_links),
        cmocka_unit_test(test_names_of_a_directory),
        cmocka_unit_test(test_mountinfo),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_parents_and_what_is_shown),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_gone_between_two_reads),
        cmocka_unit_test(test_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
