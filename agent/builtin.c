/* SPDX-License-Identifier: MIT */
#include "builtin.h"

#include "base/clock.h"
#include "python.h"
#include "state.h"

#include <stdatomic.h>
#include <stddef.h>

/* So long ours waits for an import of the program's own: most go on at its start. */
#define BUILTIN_WAIT_USEC (500 * USEC_PER_MSEC)

static struct {
    _Atomic uint64_t waits_usec; /* since when; 0: it did not have to */
} builtin STATE;

void builtin_reset(void)
{
    atomic_store(&builtin.waits_usec, 0);
}

/* Takes the reference; NULL is an earlier error. */
static bool builtin_attribute(void *object, const char *name, void *value)
{
    bool set = value && python_api.set_attribute(object, name, value) == 0;
    if (value)
        python_api.unref(value);
    return set;
}

/* ModuleSpec(name, BuiltinImporter, origin="built-in"), without running its __init__. */
static void *builtin_spec(void *importlib, const char *name)
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
        spec && builtin_attribute(spec, "name", python_api.text_new(name)) &&
        builtin_attribute(spec, "loader", python_api.get_attribute(importlib, "BuiltinImporter")) &&
        builtin_attribute(spec, "origin", python_api.text_new("built-in")) &&
        builtin_attribute(spec, "loader_state", python_none()) &&
        builtin_attribute(spec, "submodule_search_locations", python_none()) &&
        builtin_attribute(spec, "_uninitialized_submodules", python_api.list_new(0)) &&
        builtin_attribute(spec, "_set_fileattr", python_api.bool_new(0)) &&
        builtin_attribute(spec, "_cached", python_none());
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
static void *builtin_call_one(void *module, const char *name, void *argument)
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
static bool builtin_is_being_imported(void *importlib, const char *name)
{
    void *locks = python_api.get_attribute(importlib, "_module_locks");
    bool found = !locks || python_api.dict_get(locks, name);
    if (locks)
        python_api.unref(locks);
    return found;
}

bool builtin_waits(void)
{
    uint64_t since = atomic_load(&builtin.waits_usec);
    return since > 0 && clock_mono_usec() - since < BUILTIN_WAIT_USEC;
}

/*
 * A program that walks through sys.modules dies of a key that appears meanwhile. From 3.10 our
 * modules need not be there: all of one name share what they do. Before, atexit calls only the one
 * that was made last, so the program must find ours; it is put there while an import goes on, which
 * adds keys itself.
 */
static bool builtin_may_add(void *importlib)
{
    void *locks = python_api.get_attribute(importlib, "_module_locks");
    bool importing = locks && python_api.size(locks) > 0;
    if (locks)
        python_api.unref(locks);
    if (!importing && atomic_load(&builtin.waits_usec) == 0)
        atomic_store(&builtin.waits_usec, clock_mono_usec());
    return importing || !builtin_waits();
}

/* 3.6 and 3.8 are not kept waiting: until contact is made, each try is a chance to be in the way of
 * an interpreter that goes down. */
static bool builtin_can_wait(void)
{
    return python_version() != PYTHON_3_6 && python_version() != PYTHON_3_8;
}

static void *builtin_import(void *modules, const char *name)
{
    bool hidden = python_version() >= PYTHON_3_10;
    void *importlib = python_api.dict_get(modules, "_frozen_importlib"); /* borrowed */
    void *imp = python_api.dict_get(modules, "_imp");                    /* borrowed */
    if (!importlib || !imp || builtin_is_being_imported(importlib, name))
        return NULL;
    if (!hidden && builtin_can_wait() && !builtin_may_add(importlib))
        return NULL;
    void *spec = builtin_spec(importlib, name);
    void *module = spec ? builtin_call_one(imp, "create_builtin", spec) : NULL;
    void *executed = NULL;
    if (module && python_api.set_attribute(module, "__spec__", spec) == 0 &&
        builtin_attribute(module, "__package__", python_api.text_new("")) &&
        builtin_attribute(module, "__loader__",
                          python_api.get_attribute(importlib, "BuiltinImporter")))
        executed = builtin_call_one(imp, "exec_builtin", module);
    bool whole = executed && (hidden || python_api.dict_set(modules, name, module) == 0);
    if (spec)
        python_api.unref(spec);
    if (executed)
        python_api.unref(executed);
    if (!whole && module)
        python_api.unref(module);
    return whole ? module : NULL;
}

void *builtin_module(const char *name)
{
    void *modules = python_api.get_modules(); /* borrowed */
    if (!modules)
        return NULL;
    void *module = python_api.dict_get(modules, name); /* borrowed */
    if (!module)
        return python_version() == PYTHON_2_7 ? NULL : builtin_import(modules, name);
    python_api.ref(module);
    return module;
}
