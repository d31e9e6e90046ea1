/* SPDX-License-Identifier: MIT */
#include "contact.h"

#include "base/clock.h"
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
/* So long contact waits for an import of the program's own: most go on at its start. */
#define CONTACT_WAIT_USEC (500 * USEC_PER_MSEC)

struct contact_method { /* PyMethodDef, the same in all versions */
    const char *name;
    void *(*function)(void *self, void *arguments);
    int flags;
    const char *doc;
};
#define CONTACT_NO_ARGUMENTS 0x0004 /* METH_NOARGS */

static void *contact_none(void)
{
    python_api.ref(python_api.none);
    return python_api.none;
}

static struct {
    _Atomic bool made;
    _Atomic bool gone;
    _Atomic int failures;
    /* Each is registered once, however often contact is tried. GIL held. */
    bool exit_done, fork_done, end_done;
    _Atomic uint64_t waits_usec; /* since when; 0: it did not have to */
    void *exit_before;           /* 2.7: sys.exitfunc as it was, or NULL; our reference */
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
        return contact_none();
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
    return contact_none();
}

static void *contact_after_fork_in_child(void *self, void *arguments)
{
    (void)self, (void)arguments;
    fork_over_in_child();
    return contact_none();
}

static void *contact_after_fork_in_parent(void *self, void *arguments)
{
    (void)self, (void)arguments;
    fork_over_in_parent();
    return contact_none();
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

/* Takes the reference; NULL is an earlier error. */
static bool contact_attribute(void *object, const char *name, void *value)
{
    bool set = value && python_api.set_attribute(object, name, value) == 0;
    if (value)
        python_api.unref(value);
    return set;
}

/* ModuleSpec(name, BuiltinImporter, origin="built-in"), without running its __init__. */
static void *contact_spec(void *importlib, const char *name)
{
    void *type = python_api.get_attribute(importlib, "ModuleSpec");
    void *allocate = type ? python_api.get_attribute(type, "__new__") : NULL;
    void *arguments = allocate ? python_api.tuple_new(1) : NULL;
    if (arguments) {
        python_api.ref(type);
        python_api.tuple_set(arguments, 0, type);
    }
    void *spec = arguments ? python_call(allocate, arguments) : NULL;
    bool whole =
        spec && contact_attribute(spec, "name", python_api.text_new(name)) &&
        contact_attribute(spec, "loader", python_api.get_attribute(importlib, "BuiltinImporter")) &&
        contact_attribute(spec, "origin", python_api.text_new("built-in")) &&
        contact_attribute(spec, "loader_state", contact_none()) &&
        contact_attribute(spec, "submodule_search_locations", contact_none()) &&
        contact_attribute(spec, "_uninitialized_submodules", python_api.list_new(0)) &&
        contact_attribute(spec, "_set_fileattr", python_api.bool_new(0)) &&
        contact_attribute(spec, "_cached", contact_none());
    if (type)
        python_api.unref(type);
    if (allocate)
        python_api.unref(allocate);
    if (whole)
        return spec;
    if (spec)
        python_api.unref(spec);
    return NULL;
}

/* function(argument) of a module; the argument stays the caller's. */
static void *contact_call_one(void *module, const char *name, void *argument)
{
    void *function = python_api.get_attribute(module, name);
    void *arguments = python_api.tuple_new(1);
    if (arguments) {
        python_api.ref(argument);
        python_api.tuple_set(arguments, 0, argument);
    }
    void *result = function && arguments ? python_call(function, arguments) : NULL;
    if (function)
        python_api.unref(function);
    return result;
}

/* Some thread is importing it at this moment. */
static bool contact_is_being_imported(void *importlib, const char *name)
{
    void *locks = python_api.get_attribute(importlib, "_module_locks");
    bool found = !locks || python_api.dict_get(locks, name);
    if (locks)
        python_api.unref(locks);
    return found;
}

bool contact_waits(void)
{
    uint64_t since = atomic_load(&contact.waits_usec);
    return since > 0 && clock_mono_usec() - since < CONTACT_WAIT_USEC;
}

/*
 * A program that walks through sys.modules dies of a key that appears meanwhile. From 3.10 our
 * modules need not be there: all of one name share what they do. Before, atexit calls only the one
 * that was made last, so the program must find ours; it is put there while an import goes on, which
 * adds keys itself.
 */
static bool contact_may_add(void *importlib)
{
    void *locks = python_api.get_attribute(importlib, "_module_locks");
    bool importing = locks && python_api.size(locks) > 0;
    if (locks)
        python_api.unref(locks);
    if (!importing && atomic_load(&contact.waits_usec) == 0)
        atomic_store(&contact.waits_usec, clock_mono_usec());
    return importing || !contact_waits();
}

/* 3.6 and 3.8 are not kept waiting: until contact is made, each try is a chance to be in the way of
 * an interpreter that goes down. */
static bool contact_can_wait(void)
{
    return python_version() != PYTHON_3_6 && python_version() != PYTHON_3_8;
}

static void *contact_import_builtin(void *modules, const char *name)
{
    bool hidden = python_version() >= PYTHON_3_10;
    void *importlib = python_api.dict_get(modules, "_frozen_importlib"); /* borrowed */
    void *imp = python_api.dict_get(modules, "_imp");                    /* borrowed */
    if (!importlib || !imp || contact_is_being_imported(importlib, name))
        return NULL;
    if (!hidden && contact_can_wait() && !contact_may_add(importlib))
        return NULL;
    void *spec = contact_spec(importlib, name);
    void *module = spec ? contact_call_one(imp, "create_builtin", spec) : NULL;
    void *executed = NULL;
    if (module && python_api.set_attribute(module, "__spec__", spec) == 0 &&
        contact_attribute(module, "__package__", python_api.text_new("")) &&
        contact_attribute(module, "__loader__",
                          python_api.get_attribute(importlib, "BuiltinImporter")))
        executed = contact_call_one(imp, "exec_builtin", module);
    bool whole = executed && (hidden || python_api.dict_set(modules, name, module) == 0);
    if (spec)
        python_api.unref(spec);
    if (executed)
        python_api.unref(executed);
    if (!whole && module)
        python_api.unref(module);
    return whole ? module : NULL;
}

void *contact_module(const char *name)
{
    void *modules = python_api.get_modules(); /* borrowed */
    if (!modules)
        return NULL;
    void *module = python_api.dict_get(modules, name); /* borrowed */
    if (!module)
        return python_version() == PYTHON_2_7 ? NULL : contact_import_builtin(modules, name);
    python_api.ref(module);
    return module;
}

/* module.name(*arguments, **keywords); takes both, NULL is an earlier error. */
static bool contact_call(const char *module_name, const char *name, void *arguments, void *keywords)
{
    void *module = contact_module(module_name);
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
 * waits for a lock; on the others see contact_may_add(). Here, on 2.7, it is the main thread, and
 * nobody else has the lock. */
static bool contact_load_gc(void)
{
    void *module =
        python_version() == PYTHON_2_7 ? python_api.import_now("gc") : contact_module("gc");
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
    atomic_store(&contact.waits_usec, 0);
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
    if (!done && !contact_waits())
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
