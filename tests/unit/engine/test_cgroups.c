/* SPDX-License-Identifier: MIT */
/* The table of control groups over a tree that a test makes and changes. */
#include "engine/cgroups.h"

#include "base/clock.h"
#include "engine/container_names.h"
#include "engine/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB  (INT64_C(1) << 20)
#define SEC  USEC_PER_SEC
#define NONE INT64_MIN

struct world {
    char root[64];
    struct cgroups *cgroups;
    struct table table;
    struct sample host;
    uint64_t tick, now_usec;
};

/* --- the tree --- */

static void put(const struct world *world, const char *group, const char *file, const char *format,
                ...)
{
    char path[1024];
    va_list arguments;
    snprintf(path, sizeof(path), "%s%s/%s", world->root, group, file);
    FILE *stream = fopen(path, "we");
    assert_non_null(stream);
    va_start(arguments, format);
    vfprintf(stream, format, arguments);
    va_end(arguments);
    fclose(stream);
}

static void put_needed(const struct world *world, const char *group, int64_t bytes)
{
    put(world, group, "memory.current", "%" PRId64 "\n", bytes);
    put(world, group, "memory.stat",
        "anon 0\nkernel 0\ninactive_anon 0\nactive_anon %" PRId64 "\ninactive_file 0\n"
        "unevictable 0\n",
        bytes);
}

/* max_bytes 0: none. */
static void put_group(const struct world *world, const char *group, int64_t needed_bytes,
                      int64_t max_bytes)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s%s", world->root, group);
    mkdir(path, 0755);
    put(world, group, "cgroup.procs", "");
    put_needed(world, group, needed_bytes);
    if (max_bytes > 0)
        put(world, group, "memory.max", "%" PRId64 "\n", max_bytes);
    else
        put(world, group, "memory.max", "max\n");
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void remove_group(const struct world *world, const char *group)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s%s", world->root, group);
    nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static int open_world(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    snprintf(world->root, sizeof(world->root), "/tmp/memtend-cgroups-XXXXXX");
    if (!mkdtemp(world->root))
        return -1;
    put(world, "", "cgroup.controllers", "memory\n");
    put_needed(world, "", 500 * MIB);
    put_group(world, "/a.slice", 300 * MIB, 1000 * MIB);
    put_group(world, "/a.slice/b.service", 200 * MIB, 400 * MIB);
    put_group(world, "/a.slice/c.service", 100 * MIB, 0);
    put_group(world, "/d.service", 50 * MIB, 0);
    sample_set(&world->host, METRIC_MEM_TOTAL, 4096 * MIB, 1);
    sample_set(&world->host, METRIC_MEM_AVAILABLE, 2000 * MIB, 1);
    world->now_usec = 1000 * SEC;
    *state = world;
    if (cgroups_new(world->root, SEC, &world->cgroups) < 0)
        return -1;
    return table_init(&world->table, 4096);
}

static int close_world(void **state)
{
    struct world *world = *state;
    cgroups_free(world->cgroups);
    table_finish(&world->table, NULL, NULL);
    remove_group(world, "");
    free(world);
    return 0;
}

/* --- processes --- */

static void move(struct world *world, pid_t pid, const char *path)
{
    struct proc_cgroup place = {.unified = true, .memory_unified = true};
    snprintf(place.path, sizeof(place.path), "%s", path);
    snprintf(place.memory_path, sizeof(place.memory_path), "%s", path);
    struct process *process = table_find_pid(&world->table, pid);
    cgroups_join(world->cgroups, &place, process);
}

static void start(struct world *world, pid_t pid, const char *path)
{
    struct process *process = table_add(&world->table, (struct process_id){pid, 1});
    assert_non_null(process);
    table_glance(&world->table, process)->pid = pid;
    move(world, pid, path);
}

static void end(struct world *world, pid_t pid)
{
    struct process *process = table_find_pid(&world->table, pid);
    cgroups_leave(world->cgroups, process);
    table_remove(&world->table, process);
}

static void ticks(struct world *world, unsigned count)
{
    while (count-- > 0) {
        world->tick++;
        world->now_usec += SEC;
        cgroups_on_tick(world->cgroups, &world->table, &world->host, world->tick, world->now_usec);
        cgroups_renew(world->cgroups, &world->table);
    }
}

static const struct cgroup *group_of(struct world *world, pid_t pid)
{
    return cgroups_of(world->cgroups, table_find_pid(&world->table, pid));
}

static int64_t value_of(struct world *world, pid_t pid, enum metric metric)
{
    int64_t value = NONE;
    sample_get(&table_find_pid(&world->table, pid)->sample, metric, &value);
    return value;
}

static void assert_limit(struct world *world, pid_t pid, int64_t limit, int64_t headroom,
                         const char *whose)
{
    assert_int_equal(value_of(world, pid, METRIC_LIMIT), limit);
    assert_int_equal(value_of(world, pid, METRIC_HEADROOM), headroom);
    assert_string_equal(group_of(world, pid)->limit_path, whose);
}

/* --- cases --- */

static void test_limits(void **state)
{
    struct world *world = *state;
    start(world, 1, "/a.slice/b.service");
    start(world, 2, "/a.slice/c.service");
    start(world, 3, "/d.service");
    start(world, 4, "/");
    start(world, 5, "/a.slice/b.service");
    ticks(world, 1); /* new groups are read at once */
    assert_int_equal(cgroups_kind(world->cgroups), CGROUP_KIND_V2);
    assert_int_equal(cgroups_count(world->cgroups), 5);
    assert_limit(world, 1, 400 * MIB, 200 * MIB, "/a.slice/b.service");
    assert_limit(world, 2, 1000 * MIB, 700 * MIB, "/a.slice");
    assert_limit(world, 3, 4096 * MIB, 2000 * MIB, "");
    assert_limit(world, 4, 4096 * MIB, 2000 * MIB, "");
    assert_ptr_equal(group_of(world, 1), group_of(world, 5));
    assert_int_equal(group_of(world, 1)->process_count, 2);
    assert_int_equal(group_of(world, 4)->process_count, 1);
}

/* Within five seconds; near the limit with the next tick. */
static void test_changes_are_seen(void **state)
{
    struct world *world = *state;
    start(world, 1, "/a.slice/b.service");
    ticks(world, 1);
    put_needed(world, "/a.slice/b.service", 250 * MIB);
    ticks(world, 5);
    assert_limit(world, 1, 400 * MIB, 150 * MIB, "/a.slice/b.service");
    put_needed(world, "/a.slice/b.service", 350 * MIB);
    ticks(world, 5);
    for (int64_t needed = 351; needed < 360; needed++) {
        put_needed(world, "/a.slice/b.service", needed * MIB);
        ticks(world, 1);
        assert_limit(world, 1, 400 * MIB, (400 - needed) * MIB, "/a.slice/b.service");
    }
    /* A sibling fills the parent: its limit is met first. */
    put_needed(world, "/a.slice", 990 * MIB);
    ticks(world, 1);
    assert_limit(world, 1, 400 * MIB, 10 * MIB, "/a.slice/b.service");
}

static void test_a_rule_looks(void **state)
{
    struct world *world = *state;
    start(world, 1, "/a.slice/b.service");
    ticks(world, 1);
    table_tracked(&world->table, table_find_pid(&world->table, 1))->cgroup_wanted = true;
    ticks(world, 1); /* the rule is heard */
    for (int64_t needed = 100; needed < 110; needed++) {
        put_needed(world, "/a.slice/b.service", needed * MIB);
        ticks(world, 1);
        assert_int_equal(value_of(world, 1, METRIC_HEADROOM), (400 - needed) * MIB);
    }
}

static void test_a_group_goes(void **state)
{
    struct world *world = *state;
    start(world, 1, "/a.slice/b.service");
    ticks(world, 1);
    struct tracked *tracked = table_tracked(&world->table, table_find_pid(&world->table, 1));
    tracked->unit_known = true;
    remove_group(world, "/a.slice/b.service");
    ticks(world, 5);
    assert_int_equal(value_of(world, 1, METRIC_LIMIT), NONE);
    assert_int_equal(value_of(world, 1, METRIC_HEADROOM), NONE);
    assert_int_equal(group_of(world, 1)->present, 0);
    assert_false(tracked->unit_known); /* it is asked where it lives now */
    move(world, 1, "/d.service");
    ticks(world, 1);
    assert_limit(world, 1, 4096 * MIB, 2000 * MIB, "");
    /* And one that cannot be read leaves nothing to say about those below. */
    start(world, 2, "/a.slice/c.service");
    remove_group(world, "/a.slice");
    ticks(world, 6);
    assert_int_equal(value_of(world, 2, METRIC_LIMIT), NONE);
}

static void test_empty_groups_are_let_go(void **state)
{
    struct world *world = *state;
    start(world, 1, "/a.slice/b.service");
    start(world, 2, "/d.service");
    ticks(world, 1);
    uint32_t place = table_find_pid(&world->table, 2)->cgroup;
    end(world, 1);
    ticks(world, 10);
    assert_int_equal(cgroups_count(world->cgroups), 4); /* it may come again */
    start(world, 1, "/a.slice/b.service");
    ticks(world, 60);
    assert_int_equal(cgroups_count(world->cgroups), 4);
    end(world, 1);
    ticks(world, 120);
    assert_int_equal(cgroups_count(world->cgroups), 2); /* the one above went as well */
    assert_int_equal(table_find_pid(&world->table, 2)->cgroup, place);
    assert_string_equal(group_of(world, 2)->path, "/d.service");
    end(world, 2);
    ticks(world, 120);
    assert_int_equal(cgroups_count(world->cgroups), 0);
}

static void test_too_many(void **state)
{
    struct world *world = *state;
    char path[64];
    for (int i = 0; i < CGROUP_TABLE_LIMIT + 50; i++) {
        snprintf(path, sizeof(path), "/g%d", i);
        start(world, i + 1, path);
    }
    assert_true(cgroups_is_full(world->cgroups));
    assert_int_equal(cgroups_count(world->cgroups), CGROUP_TABLE_LIMIT);
    assert_int_equal(table_find_pid(&world->table, CGROUP_TABLE_LIMIT + 50)->cgroup, 0);
    ticks(world, 3);
    for (int i = 0; i < CGROUP_TABLE_LIMIT + 50; i++)
        end(world, i + 1);
    ticks(world, 70); /* the root goes after them */
    assert_int_equal(cgroups_count(world->cgroups), 0);
    assert_false(cgroups_is_full(world->cgroups));
    start(world, 1, "/d.service");
    ticks(world, 1);
    assert_limit(world, 1, 4096 * MIB, 2000 * MIB, "");
}

/* A limit that is set above may be the smallest: without it nothing is said. */
static void test_no_place_above(void **state)
{
    struct world *world = *state;
    char path[64];
    start(world, 5000, "/");
    for (int i = 0; i < CGROUP_TABLE_LIMIT - 2; i++) {
        snprintf(path, sizeof(path), "/g%d", i);
        start(world, i + 1, path);
    }
    start(world, 4000, "/a.slice/c.service");
    ticks(world, 40);
    assert_non_null(group_of(world, 4000));
    assert_int_equal(value_of(world, 4000, METRIC_LIMIT), NONE);
}

static void test_deep_and_strange_paths(void **state)
{
    struct world *world = *state;
    static const char *const paths[] = {"/gone (deleted)", "/../x", "relative", "", "/a/../b"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        start(world, (pid_t)i + 1, paths[i]);
        ticks(world, 1);
        assert_int_equal(value_of(world, (pid_t)i + 1, METRIC_LIMIT), NONE);
    }
    char path[CGROUP_MOUNT_PATH_SIZE] = "";
    while (strlen(path) + 3 < sizeof(path))
        memcpy(path + strlen(path), "/x", 3);
    start(world, 100, path);
    ticks(world, 2);
    assert_int_equal(value_of(world, 100, METRIC_LIMIT), NONE);
}

static void test_names_by_processes(void **state)
{
    struct world *world = *state;
    char path[128] = "/docker/", id[65];
    memset(id, 'a', 64);
    id[64] = '\0';
    memcpy(path + 8, id, 65);
    start(world, 1, path);
    table_set_text(&world->table, &table_find_pid(&world->table, 1)->name, "etl");
    ticks(world, 1);
    const struct cgroup_owner *owner = &group_of(world, 1)->owner;
    assert_int_equal(owner->runtime, CONTAINER_RUNTIME_DOCKER);
    assert_string_equal(owner->container_id, id);
    assert_string_equal(owner->name, "etl");
}

static void test_publication(void **state)
{
    struct world *world = *state;
    struct snapshot snapshot = {.cgroups = pages_map(CGROUP_TABLE_LIMIT, sizeof(struct cgroup))};
    start(world, 1, "/a.slice/b.service");
    start(world, 2, "/d.service");
    ticks(world, 1);
    end(world, 1);
    ticks(world, 120);
    cgroups_publish(world->cgroups, &snapshot);
    const struct process *process = table_find_pid(&world->table, 2);
    assert_string_equal(snapshot_cgroup(&snapshot, process)->path, "/d.service");
    size_t used = 0;
    for (size_t i = 0; i < snapshot.cgroup_count; i++)
        used += snapshot.cgroups[i].serial != 0;
    assert_int_equal(used, 2);
    assert_null(snapshot_cgroup(&snapshot, &(struct process){.cgroup = 0}));
    assert_null(snapshot_cgroup(&snapshot, &(struct process){.cgroup = 99}));
    pages_unmap(snapshot.cgroups, CGROUP_TABLE_LIMIT, sizeof(struct cgroup));
}

static void test_without_memory_controller(void **state)
{
    struct world *world = *state;
    put(world, "", "cgroup.controllers", "cpu pids\n");
    cgroups_free(world->cgroups);
    assert_int_equal(cgroups_new(world->root, SEC, &world->cgroups), 0);
    assert_int_equal(cgroups_kind(world->cgroups), CGROUP_KIND_V2_NO_MEMORY);
    start(world, 1, "/a.slice/b.service");
    ticks(world, 1);
    assert_limit(world, 1, 4096 * MIB, 2000 * MIB, "");
    assert_int_equal(cgroups_new("/proc", SEC, &world->cgroups), -EINVAL);
    assert_int_equal(cgroups_new("/nowhere", SEC, &world->cgroups), -ENOENT);
}

/* The answer comes from another thread, whenever it has read the directory. */
struct told {
    size_t count;
    int64_t kills;
    bool below;
    uint64_t since_usec;
    char path[CGROUP_PATH_SIZE];
};

static void tell(void *context, const struct cgroup *group, bool below, int64_t rise,
                 uint64_t since_usec)
{
    struct told *told = context;
    told->count++;
    told->kills = rise;
    told->below = below;
    told->since_usec = since_usec;
    snprintf(told->path, sizeof(told->path), "%s", group->path);
}

/* What was counted before the first look, and a group that was made anew, are no kills. */
static void test_kills_are_told(void **state)
{
    struct world *world = *state;
    struct told told = {0};
    cgroups_tell_kills(world->cgroups, tell, &told);
    put(world, "/d.service", "memory.events", "low 0\nhigh 0\nmax 0\noom 3\noom_kill 3\n");
    start(world, 3, "/d.service");
    ticks(world, 10);
    assert_int_equal(told.count, 0);
    uint64_t before = world->now_usec;
    put(world, "/d.service", "memory.events", "low 0\nhigh 0\nmax 0\noom 4\noom_kill 5\n");
    ticks(world, 10);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.kills, 2);
    assert_true(told.below);
    assert_string_equal(told.path, "/d.service");
    assert_true(told.since_usec <= before && told.since_usec + 6 * SEC > before);
    put(world, "/d.service", "memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 1\n");
    ticks(world, 10);
    assert_int_equal(told.count, 1);
    cgroups_tell_kills(world->cgroups, NULL, NULL);
    put(world, "/d.service", "memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 9\n");
    ticks(world, 10);
    assert_int_equal(told.count, 1);
}

static void test_names_of_containers(void **state)
{
    (void)state;
    struct container_names *names;
    struct cgroup_name wanted[2] = {0};
    for (size_t i = 0; i < 16; i++) {
        memcpy(wanted[0].container_id + i * 4, "f00d", 5);
        memcpy(wanted[1].container_id + i * 4, "dead", 5);
    }
    int root = open(FIXTURES "/cgroup/kubelet-names", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(container_names_new(root, &names), 0);
    for (int round = 0; round < 3; round++) {
        size_t count = 0;
        assert_null(container_names_take(names, &count));
        assert_int_equal(container_names_ask(names, wanted, 2), 0);
        assert_int_equal(container_names_ask(names, wanted, 2), -EBUSY);
        uint64_t until = clock_mono_usec() + 30 * SEC;
        const struct cgroup_name *answer = NULL;
        while (!answer && clock_mono_usec() < until)
            answer = container_names_take(names, &count);
        assert_non_null(answer);
        assert_int_equal(count, 2);
        assert_string_equal(answer[0].name, "etl-0/worker");
        assert_string_equal(answer[1].name, "");
    }
    assert_int_equal(container_names_ask(names, wanted, 2), 0);
    container_names_free(names); /* with a question under way */
    close(root);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(test_limits),
        CASE(test_changes_are_seen),
        CASE(test_a_rule_looks),
        CASE(test_a_group_goes),
        CASE(test_empty_groups_are_let_go),
        CASE(test_too_many),
        CASE(test_no_place_above),
        CASE(test_deep_and_strange_paths),
        CASE(test_names_by_processes),
        CASE(test_publication),
        CASE(test_without_memory_controller),
        CASE(test_kills_are_told),
        cmocka_unit_test(test_names_of_containers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
