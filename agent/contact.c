/* SPDX-License-Identifier: MIT */
#include "contact.h"

#include "base/clock.h"
#include "builtin.h"
#include "collector.h"
#include "fork.h"
#include "gil.h"
#include "job.h"
#include "python.h"
#include "session.h"
#include "state.h"
#include "thread.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* A collect under way at exit is given this long to end; then the interpreter goes on. */
#define CONTACT_EXIT_USEC (1 * USEC_PER_SEC)

/* Contact may fail while the interpreter is coming up; then it is given up for good. */
#define CONTACT_TRIES 100

struct contact_method { /* PyMethodDef, the same in all versions */
    const char *name;
    void *(*function)(void *self, void *arguments);
    int flags;
    const char *doc;
};
#define CONTACT_NO_ARGUMENTS 0x0004 /* METH_NOARGS */

static struct {
    _Atomic bool made;
    _Atomic bool gone;
    _Atomic int failures;
    /* Each is registered once, however often contact is tried. GIL held. */
    bool exit_done, fork_done, end_done;
    void *exit_before; /* 2.7: sys.exitfunc as it was, or NULL; our reference */
} contact STATE;

/* The rest runs on whichever thread of the program forks or exits, with the GIL. */

static void *contact_on_exit(void *self, void *arguments)
{
    (void)self, (void)arguments;
    gil_close();
    job_cancel();
    gil_wait_for_leave(CONTACT_EXIT_USEC);
    thread_wake();
    if (!contact.exit_before)
        return python_none();
    arguments = python_api.tuple_new(0);
    void *result = arguments ? python_api.call(contact.exit_before, arguments, NULL) : NULL;
    if (arguments)
        python_api.unref(arguments);
    return result;
}

/* Nothing of the interpreter is left. */
static void contact_on_end(void)
{
    atomic_store(&contact.gone, true);
}

static void *contact_before_fork(void *self, void *arguments)
{
    (void)self, (void)arguments;
    if (session_settings()->freeze)
        collector_before_first_fork();
    fork_announced();
    return python_none();
}

static void *contact_after_fork_in_child(void *self, void *arguments)
{
    (void)self, (void)arguments;
    fork_over_in_child();
    return python_none();
}

static void *contact_after_fork_in_parent(void *self, void *arguments)
{
    (void)self, (void)arguments;
    fork_over_in_parent();
    return python_none();
}

static struct contact_method contact_exit = {"memtend_on_exit", contact_on_exit,
                                             CONTACT_NO_ARGUMENTS, NULL};
static struct contact_method contact_before = {"memtend_before_fork", contact_before_fork,
                                               CONTACT_NO_ARGUMENTS, NULL};
static struct contact_method contact_parent = {
    "memtend_after_fork_in_parent", contact_after_fork_in_parent, CONTACT_NO_ARGUMENTS, NULL};
static struct contact_method contact_child = {
    "memtend_after_fork_in_child", contact_after_fork_in_child, CONTACT_NO_ARGUMENTS, NULL};

/* Set keywords[key] to a callable of ours; false on error. */
static bool contact_set(void *keywords, const char *key, struct contact_method *method)
{
    void *function = python_api.function_new(method, NULL, NULL);
    bool set = function && python_api.dict_set(keywords, key, function) == 0;
    if (function)
        python_api.unref(function);
    return set;
}

/* module.name(*arguments, **keywords); takes both, NULL is an earlier error. */
static bool contact_call(const char *module_name, const char *name, void *arguments, void *keywords)
{
    void *module = builtin_module(module_name);
    void *function = module ? python_api.get_attribute(module, name) : NULL;
    void *result = function && arguments ? python_api.call(function, arguments, keywords) : NULL;
    void *const owned[] = {module, function, arguments, keywords, result};
    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++)
        if (owned[i])
            python_api.unref(owned[i]);
    return result != NULL;
}

static bool contact_register_fork(void)
{
    void *keywords = python_api.dict_new();
    if (!keywords || !contact_set(keywords, "before", &contact_before) ||
        !contact_set(keywords, "after_in_parent", &contact_parent) ||
        !contact_set(keywords, "after_in_child", &contact_child)) {
        if (keywords)
            python_api.unref(keywords);
        return false;
    }
    return contact_call("posix", "register_at_fork", python_api.tuple_new(0), keywords);
}

static bool contact_register_exit(void)
{
    void *arguments = python_api.tuple_new(1);
    void *function = python_api.function_new(&contact_exit, NULL, NULL);
    if (!arguments || !function) {
        if (arguments)
            python_api.unref(arguments);
        if (function)
            python_api.unref(function);
        return false;
    }
    python_api.tuple_set(arguments, 0, function); /* takes the reference */
    return contact_call("atexit", "register", arguments, NULL);
}

/* ---- 2.7: no atexit in C ---- */

/* The module keeps (function, arguments, keywords); True: it will call ours. */
static bool contact_append(void *handlers, void *function)
{
    void *entry = python_api.tuple_new(3);
    if (!entry)
        return false;
    python_api.ref(function);
    python_api.tuple_set(entry, 0, function);
    python_api.tuple_set(entry, 1, python_api.tuple_new(0));
    python_api.tuple_set(entry, 2, python_api.dict_new());
    bool done = python_api.tuple_get(entry, 1) && python_api.tuple_get(entry, 2) &&
                python_api.list_append(handlers, entry) == 0;
    python_api.unref(entry);
    return done;
}

/* Without the module sys.exitfunc is ours, and calls what was there before; the module, should it
 * be imported later, takes over what it finds there. */
static bool contact_register_exit_2_7(void)
{
    void *function = python_api.function_new(&contact_exit, NULL, NULL);
    void *module = python_api.dict_get(python_api.get_modules(), "atexit"); /* borrowed */
    void *handlers = module ? python_api.get_attribute(module, "_exithandlers") : NULL;
    bool done = false;
    if (function && handlers) {
        done = contact_append(handlers, function);
    } else if (function) {
        void *before = python_api.sys_get("exitfunc"); /* borrowed */
        if (before)
            python_api.ref(before);
        contact.exit_before = before;
        done = python_api.sys_set("exitfunc", function) == 0;
    }
    if (function)
        python_api.unref(function);
    if (handlers)
        python_api.unref(handlers);
    return done;
}

/* Later nobody of us imports: on 2.7 that runs what the program has hooked into its imports, and
 * waits for a lock; on the others see builtin_may_add(). Here, on 2.7, it is the main thread, and
 * nobody else has the lock. */
static bool contact_load_gc(void)
{
    void *module =
        python_version() == PYTHON_2_7 ? python_api.import_now("gc") : builtin_module("gc");
    if (module)
        python_api.unref(module);
    return module != NULL;
}

/* ---- the state of it ---- */

static bool contact_register(void)
{
    bool old = python_version() == PYTHON_2_7;
    contact.exit_done =
        contact.exit_done || (old ? contact_register_exit_2_7() : contact_register_exit());
    contact.fork_done = contact.fork_done || python_version() < PYTHON_3_7 ||
                        (contact.exit_done && contact_register_fork());
    if (contact.exit_done && !contact.end_done) {
        contact.end_done = true;
        python_api.at_exit(contact_on_end); /* full: then a second interpreter is not served */
    }
    bool loaded = !contact.exit_done || python_version() >= PYTHON_3_10 || contact_load_gc();
    python_api.error_clear();
    return contact.exit_done && contact.fork_done && (loaded || old);
}

bool contact_is_made(void)
{
    return atomic_load(&contact.made);
}

bool contact_is_gone(void)
{
    return atomic_load(&contact.gone);
}

void contact_reset(void)
{
    contact.exit_done = contact.fork_done = contact.end_done = false;
    contact.exit_before = NULL;
    builtin_reset();
    atomic_store(&contact.made, false);
    atomic_store(&contact.gone, false);
    atomic_store(&contact.failures, 0);
}

/* 3.6 says that it is up when it begins to come up. */
static bool contact_is_too_early(void)
{
    return python_version() == PYTHON_3_6 &&
           !python_api.dict_get(python_api.get_modules(), "__main__");
}

bool contact_make_now(void)
{
    if (contact_is_made())
        return true;
    if (contact_is_too_early())
        return false;
    bool done = contact_register();
    if (!done && !builtin_waits())
        atomic_fetch_add(&contact.failures, 1);
    atomic_store(&contact.made, done);
    return done;
}

bool contact_is_given_up(void)
{
    return atomic_load(&contact.failures) >= CONTACT_TRIES;
}

void contact_make(const struct job_request *request, struct job_result *result)
{
    (void)request;
    result->result = contact_make_now() ? CONTROL_RESULT_OK : CONTROL_RESULT_FAILED;
}
