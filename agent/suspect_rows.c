/* SPDX-License-Identifier: MIT */
#include "suspect_rows.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What is below is how programs are; above it somebody should look. */
#define CACHE_RESULTS_MIN 1000
#define THREADS_MIN       100
#define TASKS_MIN         100 /* of one coroutine */
#define QUERIES_MIN       100
#define CONNECTIONS_MIN   50
#define HANDLERS_MIN      10
#define LOGGERS_MIN       5000
#define CHILDREN_MIN      1000
/* What one look takes at most. */
#define TASKS_MAX    5000
#define LOGGERS_MAX  20000
#define HANDLERS_MAX 64
#define THREADS_MAX  256
#define NAMES_MAX    32

static void say(struct suspect_look *look, uint64_t count, const char *path, const char *format,
                ...) __attribute__((format(printf, 4, 5)));

static void say(struct suspect_look *look, uint64_t count, const char *path, const char *format,
                ...)
{
    struct control_finding *finding = &look->finding;
    va_list list;
    finding->count = count;
    if (path)
        text_copy(finding->path, sizeof(finding->path), path);
    va_start(list, format);
    vsnprintf(finding->text, sizeof(finding->text), format, list);
    va_end(list);
}

static enum pyobject_kind kind_of(void *object)
{
    return (enum pyobject_kind)pyobject_classify(pyobject_type_of(object)).kind;
}

/* Length of a container behind the name of an object; 0 when it is none. */
static uint64_t length_of(void *object, const char *name)
{
    void *container = pyobject_attribute(object, name);
    return container ? pyobject_length(container, kind_of(container)) : 0;
}

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
    say(look, length, NULL,
        "an lru_cache without a maxsize keeps every result for ever; give it a maxsize, or call "
        "its cache_clear() when a batch is done");
    return true;
}

static bool look_threads(struct suspect_look *look)
{
    uint64_t count = length_of(look->object, "_active");
    if (look->round++ > 0 || count < THREADS_MIN)
        return false;
    say(look, count, "threading._active",
        "many threads live, each with a stack and thread-local objects; use a pool, and join "
        "threads that have done their work");
    return true;
}

static bool look_garbage(struct suspect_look *look)
{
    uint64_t count = length_of(look->object, "garbage");
    if (look->round++ > 0 || count == 0)
        return false;
    say(look, count, "gc.garbage",
        "objects that the collector found and keeps: gc.DEBUG_SAVEALL is set, or (before Python "
        "3.4) cycles with __del__; unset it, break the cycles, and clear the list");
    return true;
}

/* ---- asyncio ---- */

/* A look at the clock for so many objects: some 20 us. */
#define CLOCK_EVERY 64

static bool is_late(uint64_t seen, uint64_t deadline_usec)
{
    return seen % CLOCK_EVERY == 0 && clock_thread_usec() >= deadline_usec;
}

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
    if (++tasks->seen > TASKS_MAX || is_late(tasks->seen, tasks->deadline_usec))
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
    return data && kind_of(data) == PYOBJECT_SET ? data : NULL;
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
        say(look, tasks.names[i].count, path,
            "so many tasks run this coroutine; if they should have ended, await or cancel "
            "them, and bound how many may be started");
        return true;
    }
    return false;
}

/* ---- logging ---- */

/* A file by its name: each handler opens it anew. */
static void *handler_output(void *handler)
{
    void *name = pyobject_attribute(handler, "baseFilename");
    return name ? name : pyobject_attribute(handler, "stream");
}

static bool is_same_output(void *a, void *b)
{
    size_t a_length, b_length;
    const char *a_name = a ? pyobject_ascii(a, &a_length) : NULL;
    const char *b_name = b ? pyobject_ascii(b, &b_length) : NULL;
    if (a_name && b_name)
        return a_length == b_length && memcmp(a_name, b_name, a_length) == 0;
    return a && a == b;
}

/* Handlers that write what an earlier one of the list writes too. */
static uint64_t count_doubles(void *const *handlers, size_t count)
{
    uint64_t doubles = 0;
    for (size_t i = 1; i < count; i++) {
        bool found = false;
        for (size_t j = 0; j < i && !found; j++)
            found = pyobject_type_of(handlers[i]) == pyobject_type_of(handlers[j]) &&
                    is_same_output(handler_output(handlers[i]), handler_output(handlers[j]));
        doubles += found;
    }
    return doubles;
}

struct handlers {
    size_t count;
    void *items[HANDLERS_MAX];
};

static bool on_handler(void *context, const struct pyobject_edge *edge)
{
    struct handlers *handlers = context;
    handlers->items[handlers->count++] = edge->object;
    return handlers->count < HANDLERS_MAX;
}

static bool logger_is_suspect(void *logger, uint64_t *ret_count, uint64_t *ret_doubles)
{
    struct handlers handlers = {0};
    uint64_t count = length_of(logger, "handlers");
    if (count < 2)
        return false;
    pyobject_visit_items(pyobject_attribute(logger, "handlers"), PYOBJECT_LIST, on_handler,
                         &handlers);
    *ret_count = count;
    *ret_doubles = count_doubles(handlers.items, handlers.count);
    return *ret_doubles > 0 || count >= HANDLERS_MIN;
}

/* The name of a logger is told only when it is that of a module: others may hold anything. */
static void name_logger(struct suspect_look *look, const void *key)
{
    char name[WALK_NAME_SIZE];
    char *path = look->finding.path;
    struct buffer text;
    buffer_init_over(&text, path, sizeof(look->finding.path) - 1);
    if (key && pyobject_copy_name(key, name, sizeof(name)) && walk_module(look->walk, name))
        buffer_printf(&text, "logging.getLogger('%s')", name);
    else
        buffer_append_text(&text, key ? "logging.getLogger(...)" : "logging.root");
    path[text.size] = '\0';
}

struct loggers {
    struct suspect_look *look;
    uint64_t seen, count, doubles;
    bool found;
    const void *key;
};

static bool on_logger(void *context, const struct pyobject_edge *edge)
{
    struct loggers *loggers = context;
    if (++loggers->seen <= loggers->look->round)
        return true;
    loggers->key = edge->name;
    loggers->found = logger_is_suspect(edge->object, &loggers->count, &loggers->doubles);
    return !loggers->found && loggers->seen < LOGGERS_MAX &&
           !is_late(loggers->seen, loggers->look->deadline_usec);
}

static bool look_handlers(struct suspect_look *look)
{
    struct loggers loggers = {.look = look};
    void *class = pyobject_attribute(look->object, "Logger");
    void *manager = pyobject_attribute(class, "manager");
    void *all = pyobject_attribute(manager, "loggerDict");
    const struct pyobject_edge root = {.object = pyobject_attribute(look->object, "root")};
    if (root.object && on_logger(&loggers, &root) && all)
        pyobject_visit_dict(all, on_logger, &loggers);
    look->round = loggers.seen;
    if (!loggers.found)
        return false;
    name_logger(look, loggers.key);
    say(look, loggers.count, NULL,
        "%llu of the handlers of this logger write where another one does already; something adds "
        "one again and again: add handlers once, when the program starts",
        (unsigned long long)loggers.doubles);
    if (loggers.doubles == 0)
        say(look, loggers.count, NULL,
            "so many handlers on one logger; something adds one again and again: add handlers "
            "once, when the program starts");
    return true;
}

static bool look_loggers(struct suspect_look *look)
{
    void *class = pyobject_attribute(look->object, "Logger");
    uint64_t count = length_of(pyobject_attribute(class, "manager"), "loggerDict");
    if (look->round++ > 0 || count < LOGGERS_MIN)
        return false;
    say(look, count, "logging.Logger.manager.loggerDict",
        "loggers are never freed; take one a module, not one a request, and pass what differs by "
        "a LoggerAdapter");
    return true;
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
    enum pyobject_kind kind = kind_of(edge->object);
    if (kind == PYOBJECT_INSTANCE)
        queries->count += length_of(edge->object, "queries_log");
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
        pyobject_visit_names(storage, kind_of(storage), on_connections, &queries);
    if (queries.count < QUERIES_MIN)
        return false;
    say(look, queries.count, "django.db.connection.queries",
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
    int64_t out = size - (int64_t)length_of(queue, "queue") + overflow;
    if (out < size)
        return false;
    say(look, (uint64_t)out, NULL,
        "all %lld connections of this SQLAlchemy pool are checked out, and of %lld extra ones "
        "%lld are open; close sessions and results when they are done",
        (long long)size, (long long)most, (long long)overflow);
    return true;
}

static bool look_redis(struct suspect_look *look)
{
    int64_t created;
    uint64_t used = length_of(look->object, "_in_use_connections");
    if (!integer_of(look->object, "_created_connections", &created) || created < CONNECTIONS_MIN)
        return false;
    say(look, (uint64_t)created, NULL,
        "this redis pool has made so many connections, and %llu are in use; it has no limit "
        "unless it is given max_connections: share one client, and close pubsubs",
        (unsigned long long)used);
    return true;
}

static bool look_prometheus(struct suspect_look *look)
{
    uint64_t count = length_of(look->object, "_metrics");
    if (count < CHILDREN_MIN)
        return false;
    say(look, count, NULL,
        "so many label values of one metric, each kept for ever; label by what has few values, "
        "not by user, path or id");
    return true;
}

const struct suspect_row suspect_rows[] = {
    {"gc", NULL, look_garbage},
    {"functools", "_lru_cache_wrapper", look_cache},
    {"asyncio.tasks", NULL, look_tasks},
    {"threading", NULL, look_threads},
    {"logging", NULL, look_handlers},
    {"logging", NULL, look_loggers},
    {"django.db", NULL, look_queries},
    {"sqlalchemy.pool", "QueuePool", look_sqlalchemy},
    {"redis.connection", "ConnectionPool", look_redis},
    {"prometheus_client.metrics", "MetricWrapperBase", look_prometheus},
};
const size_t suspect_row_count = sizeof(suspect_rows) / sizeof(suspect_rows[0]);
