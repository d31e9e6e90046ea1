/* SPDX-License-Identifier: MIT */
#include "suspect_rows.h"

#include "suspect_look.h"

#include "base/text.h"

#include <string.h>

/* What is below is how programs are; above it somebody should look. */
#define CACHE_RESULTS_MIN 1000
#define THREADS_MIN       100
#define TASKS_MIN         100 /* of one coroutine */
#define QUERIES_MIN       100
#define CONNECTIONS_MIN   50
#define CHILDREN_MIN      1000
/* What one look takes at most. */
#define TASKS_MAX   5000
#define THREADS_MAX 256
#define NAMES_MAX   32

static bool integer_of(void *object, const char *name, int64_t *ret_value)
{
    return pyobject_integer(pyobject_attribute(object, name), ret_value);
}

/* ---- the standard library ---- */

static bool look_cache(struct suspect_look *look)
{
    uint64_t length;
    if (!pyobject_cache_is_unbounded(look->object, &length) || length < CACHE_RESULTS_MIN)
        return false;
    suspect_say(
        look, length, NULL,
        "an lru_cache without a maxsize keeps every result for ever; give it a maxsize, or call "
        "its cache_clear() when a batch is done");
    return true;
}

static bool look_threads(struct suspect_look *look)
{
    uint64_t count = suspect_length(look->object, "_active");
    if (look->round++ > 0 || count < THREADS_MIN)
        return false;
    suspect_say(
        look, count, "threading._active",
        "many threads live, each with a stack and thread-local objects; use a pool, and join "
        "threads that have done their work");
    return true;
}

static bool look_garbage(struct suspect_look *look)
{
    uint64_t count = suspect_length(look->object, "garbage");
    if (look->round++ > 0 || count == 0)
        return false;
    suspect_say(
        look, count, "gc.garbage",
        "objects that the collector found and keeps: gc.DEBUG_SAVEALL is set, or (before Python "
        "3.4) cycles with __del__; unset it, break the cycles, and clear the list");
    return true;
}

/* ---- asyncio ---- */

struct tasks {
    uint64_t seen, deadline_usec;
    size_t name_count;
    struct {
        char name[CONTROL_TEXT_SIZE];
        uint64_t count;
    } names[NAMES_MAX];
};

static bool on_task_referent(void *context, const struct pyobject_edge *edge)
{
    return !pyobject_coroutine_name(edge->object, context, CONTROL_TEXT_SIZE);
}

static bool on_task(void *context, const struct pyobject_edge *edge)
{
    struct tasks *tasks = context;
    char name[CONTROL_TEXT_SIZE] = "";
    void *task = pyobject_weakref(edge->object);
    if (++tasks->seen > TASKS_MAX || suspect_is_late(tasks->seen, tasks->deadline_usec))
        return false;
    if (task)
        pyobject_visit_all(task, NAMES_MAX, on_task_referent, name);
    size_t i = 0;
    while (i < tasks->name_count && strcmp(tasks->names[i].name, name) != 0)
        i++;
    if (!name[0] || i >= NAMES_MAX)
        return true;
    if (i == tasks->name_count) {
        memcpy(tasks->names[i].name, name, sizeof(name));
        tasks->names[i].count = 0;
        tasks->name_count++;
    }
    tasks->names[i].count++;
    return true;
}

/* The weak set of all tasks, by the names it has; 3.6 keeps it where nobody finds it. */
static void *all_tasks(void *module)
{
    void *set = pyobject_attribute(module, "_scheduled_tasks"); /* from 3.12 */
    if (!set)
        set = pyobject_attribute(module, "_all_tasks"); /* 3.7 to 3.11 */
    void *data = pyobject_attribute(set, "data");
    return data && suspect_kind(data) == PYOBJECT_SET ? data : NULL;
}

static bool look_tasks(struct suspect_look *look)
{
    struct tasks tasks = {.deadline_usec = look->deadline_usec};
    void *set = all_tasks(look->object);
    if (!set)
        return false;
    pyobject_visit_items(set, PYOBJECT_SET, on_task, &tasks);
    /* One finding a round, in the order they were met. */
    for (uint64_t i = look->round; i < tasks.name_count; i++) {
        if (tasks.names[i].count < TASKS_MIN)
            continue;
        look->round = i + 1;
        char path[CONTROL_PATH_SIZE] = "asyncio task ";
        text_copy(path + strlen(path), sizeof(path) - strlen(path), tasks.names[i].name);
        suspect_say(look, tasks.names[i].count, path,
                    "so many tasks run this coroutine; if they should have ended, await or cancel "
                    "them, and bound how many may be started");
        return true;
    }
    return false;
}

/* ---- frameworks ---- */

struct queries {
    uint64_t count;
    uint32_t threads;
    bool inside; /* a dict, and not into those in it */
};

static bool django_debugs(const struct walk *walk)
{
    void *settings = pyobject_attribute(walk_module(walk, "django.conf"), "settings");
    return pyobject_is_true(pyobject_attribute(pyobject_attribute(settings, "_wrapped"), "DEBUG"));
}

/* An attribute that may be a dict of connections by their alias. */
static bool on_connections(void *context, const struct pyobject_edge *edge)
{
    struct queries *queries = context;
    enum pyobject_kind kind = suspect_kind(edge->object);
    if (kind == PYOBJECT_INSTANCE)
        queries->count += suspect_length(edge->object, "queries_log");
    if (kind != PYOBJECT_DICT || queries->inside)
        return true;
    queries->inside = true;
    pyobject_visit_items(edge->object, PYOBJECT_DICT, on_connections, context);
    queries->inside = false;
    return true;
}

/* asgiref keeps what is local to a thread in an attribute of the thread, up to 3.6. */
static bool on_thread(void *context, const struct pyobject_edge *edge)
{
    struct queries *queries = context;
    if (++queries->threads > THREADS_MAX)
        return false;
    pyobject_visit_names(edge->object, PYOBJECT_INSTANCE, on_connections, context);
    return true;
}

static bool look_queries(struct suspect_look *look)
{
    struct queries queries = {0};
    void *threads = pyobject_attribute(walk_module(look->walk, "threading"), "_active");
    void *local =
        pyobject_attribute(pyobject_attribute(look->object, "connections"), "_connections");
    void *storage = pyobject_attribute(local, "_storage"); /* asgiref from 3.7: threading.local */
    if (look->round++ > 0 || !django_debugs(look->walk))
        return false;
    if (threads)
        pyobject_visit_items(threads, PYOBJECT_DICT, on_thread, &queries);
    if (storage)
        pyobject_visit_names(storage, suspect_kind(storage), on_connections, &queries);
    if (queries.count < QUERIES_MIN)
        return false;
    suspect_say(
        look, queries.count, "django.db.connection.queries",
        "Django keeps every statement (up to 9,000 a connection) because settings.DEBUG is on; "
        "set DEBUG = False");
    return true;
}

static bool look_sqlalchemy(struct suspect_look *look)
{
    int64_t overflow, size, most;
    void *queue = pyobject_attribute(look->object, "_pool");
    if (!integer_of(look->object, "_overflow", &overflow) || !integer_of(queue, "maxsize", &size) ||
        !integer_of(look->object, "_max_overflow", &most) || size <= 0)
        return false;
    int64_t out = size - (int64_t)suspect_length(queue, "queue") + overflow;
    if (out < size)
        return false;
    suspect_say(
        look, (uint64_t)out, NULL,
        "all %lld connections of this SQLAlchemy pool are checked out, and of %lld extra ones "
        "%lld are open; close sessions and results when they are done",
        (long long)size, (long long)most, (long long)overflow);
    return true;
}

static bool look_redis(struct suspect_look *look)
{
    int64_t created;
    uint64_t used = suspect_length(look->object, "_in_use_connections");
    if (!integer_of(look->object, "_created_connections", &created) || created < CONNECTIONS_MIN)
        return false;
    suspect_say(
        look, (uint64_t)created, NULL,
        "this redis pool has made so many connections, and %llu are in use; it has no limit "
        "unless it is given max_connections: share one client, and close pubsubs",
        (unsigned long long)used);
    return true;
}

static bool look_prometheus(struct suspect_look *look)
{
    uint64_t count = suspect_length(look->object, "_metrics");
    if (count < CHILDREN_MIN)
        return false;
    suspect_say(
        look, count, NULL,
        "so many label values of one metric, each kept for ever; label by what has few values, "
        "not by user, path or id");
    return true;
}

const struct suspect_row suspect_rows[] = {
    {"gc", NULL, look_garbage},
    {"functools", "_lru_cache_wrapper", look_cache},
    {"asyncio.tasks", NULL, look_tasks},
    {"threading", NULL, look_threads},
    {"logging", NULL, suspect_handlers},
    {"logging", NULL, suspect_loggers},
    {"django.db", NULL, look_queries},
    {"sqlalchemy.pool", "QueuePool", look_sqlalchemy},
    {"redis.connection", "ConnectionPool", look_redis},
    {"prometheus_client.metrics", "MetricWrapperBase", look_prometheus},
};
const size_t suspect_row_count = sizeof(suspect_rows) / sizeof(suspect_rows[0]);
