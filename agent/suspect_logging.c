/* SPDX-License-Identifier: MIT */
/* Logging that only ever grows: handlers added again and again, loggers without end. */
#include "suspect_look.h"

#include "base/buffer.h"

#include <string.h>

/* What is below is how programs are; above it somebody should look. */
#define HANDLERS_MIN 10
#define LOGGERS_MIN  5000
/* What one look takes at most. */
#define LOGGERS_MAX  20000
#define HANDLERS_MAX 64

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
    uint64_t count = suspect_length(logger, "handlers");
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
           !suspect_is_late(loggers->seen, loggers->look->deadline_usec);
}

bool suspect_handlers(struct suspect_look *look)
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
    suspect_say(
        look, loggers.count, NULL,
        "%llu of the handlers of this logger write where another one does already; something adds "
        "one again and again: add handlers once, when the program starts",
        (unsigned long long)loggers.doubles);
    if (loggers.doubles == 0)
        suspect_say(
            look, loggers.count, NULL,
            "so many handlers on one logger; something adds one again and again: add handlers "
            "once, when the program starts");
    return true;
}

bool suspect_loggers(struct suspect_look *look)
{
    void *class = pyobject_attribute(look->object, "Logger");
    uint64_t count = suspect_length(pyobject_attribute(class, "manager"), "loggerDict");
    if (look->round++ > 0 || count < LOGGERS_MIN)
        return false;
    suspect_say(
        look, count, "logging.Logger.manager.loggerDict",
        "loggers are never freed; take one a module, not one a request, and pass what differs by "
        "a LoggerAdapter");
    return true;
}
