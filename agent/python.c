/* SPDX-License-Identifier: MIT */
#include "python.h"

#include "base/text.h"
#include "objects.h"
#include "symbols.h"
#include "wire/limits.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>

/* After 3.13 nobody has tried. */
#define PYTHON_NEWEST 313

struct python_api python_api;

static struct {
    char runtime[CONTROL_TEXT_SIZE];
    unsigned version;
    _Atomic bool supported;
    bool known;
    bool late;
    uint64_t objects_added; /* when we last looked */
    struct object object;   /* of a late one */
} python;

#define API(member, name_)                                                                         \
    {                                                                                              \
        .name = (name_), .offset = offsetof(struct python_api, member), .required = true           \
    }
static const struct symbol python_symbols[] = {
    API(is_initialized, "Py_IsInitialized"),
    API(gil_ensure, "PyGILState_Ensure"),
    API(gil_release, "PyGILState_Release"),
    API(save_thread, "PyEval_SaveThread"),
    API(restore_thread, "PyEval_RestoreThread"),
    API(add_pending_call, "Py_AddPendingCall"),
    API(get_modules, "PyImport_GetModuleDict"),
    API(dict_get, "PyDict_GetItemString"),
    API(list_new, "PyList_New"),
    API(dict_new, "PyDict_New"),
    API(dict_set, "PyDict_SetItemString"),
    API(get_attribute, "PyObject_GetAttrString"),
    API(set_attribute, "PyObject_SetAttrString"),
    API(bool_new, "PyBool_FromLong"),
    API(call, "PyObject_Call"),
    API(is_true, "PyObject_IsTrue"),
    API(size, "PyObject_Size"),
    API(tuple_new, "PyTuple_New"),
    API(list_get, "PyList_GetItem"),
    API(tuple_set, "PyTuple_SetItem"),
    API(tuple_get, "PyTuple_GetItem"),
    API(long_new, "PyLong_FromLong"),
    API(long_get, "PyLong_AsLongLong"),
    API(function_new, "PyCFunction_NewEx"),
    API(error_clear, "PyErr_Clear"),
    API(error_occurred, "PyErr_Occurred"),
    API(ref, "Py_IncRef"),
    API(unref, "Py_DecRef"),
    API(none, "_Py_NoneStruct"),
    API(at_exit, "Py_AtExit"),
    API(thread_state, "PyGILState_GetThisThreadState"),
    API(sys_get, "PySys_GetObject"),
    API(sys_set, "PySys_SetObject"),
    API(list_append, "PyList_Append"),
    API(interpreter_first, "PyInterpreterState_Head"),
    API(interpreter_next, "PyInterpreterState_Next"),
    API(get_frame, "PyEval_GetFrame"),
};

/* What goes by different names. In 2.7 a text is one of bytes. */
static const struct symbol python_symbols_2_7[] = {
    API(text_new, "PyString_FromString"),
    API(attached, "_PyThreadState_Current"),
    API(init_threads, "PyEval_InitThreads"),
    API(import_now, "PyImport_ImportModuleNoBlock"),
};
static const struct symbol python_symbols_3_6[] = {
    API(text_new, "PyUnicode_FromString"),
    API(thread_attached, "_PyThreadState_UncheckedGet"),
    API(init_threads, "PyEval_InitThreads"),
    API(finalizing, "_Py_Finalizing"),
};
static const struct symbol python_symbols_3_7[] = {
    API(text_new, "PyUnicode_FromString"),
    API(thread_attached, "_PyThreadState_UncheckedGet"),
    API(is_finalizing, "_Py_IsFinalizing"),
    API(get_allocator, "PyMem_GetAllocator"),
};
static const struct symbol python_symbols_3_13[] = {
    API(text_new, "PyUnicode_FromString"),
    API(thread_attached, "PyThreadState_GetUnchecked"),
    API(is_finalizing, "Py_IsFinalizing"),
    API(get_allocator, "PyMem_GetAllocator"),
};

#define TABLE(table) table, sizeof(table) / sizeof((table)[0])
/* By the first version that has them. */
static const struct {
    unsigned since;
    const struct symbol *symbols;
    size_t count;
} python_tables[] = {
    {PYTHON_3_13, TABLE(python_symbols_3_13)},
    {PYTHON_3_7, TABLE(python_symbols_3_7)},
    {PYTHON_3_6, TABLE(python_symbols_3_6)},
    {PYTHON_2_7, TABLE(python_symbols_2_7)},
};

static bool python_in_object(const struct object *object, void *argument)
{
    if (!objects_symbol(object, "Py_IsInitialized"))
        return false;
    if (argument)
        *(struct object *)argument = *object;
    return true;
}

bool python_is_present(void)
{
    return objects_visit(python_in_object, NULL);
}

static void *python_find(const void *object, const char *name)
{
    return object ? objects_symbol(object, name) : symbols_find(RTLD_DEFAULT, name);
}

static bool python_load(const struct object *object)
{
    size_t i = 0;
    while (python_tables[i].since > python.version)
        i++;
    return symbols_load_by(python_find, object, TABLE(python_symbols), &python_api) &&
           symbols_load_by(python_find, object, python_tables[i].symbols, python_tables[i].count,
                           &python_api);
}

bool python_symbols_load(const struct symbol *symbols, size_t count, void *table)
{
    return symbols_load_by(python_find, python.late ? &python.object : NULL, symbols, count, table);
}

/* "3.13.0 (main, ...) [GCC ...]" -> 313 */
static unsigned python_parse(const char *version)
{
    uint64_t minor;
    size_t used;
    if ((version[0] != '2' && version[0] != '3') || version[1] != '.' ||
        text_scan_u64(version + 2, strlen(version + 2), &minor, &used) < 0 || minor > 99)
        return 0;
    return (unsigned)(version[0] - '0') * 100 + (unsigned)minor;
}

/* object: NULL = whatever the program itself would find. */
static void python_open(const struct object *object)
{
    const char *(*get_version)(void);
    void *found = python_find(object, "Py_GetVersion");
    if (!found)
        return;
    memcpy(&get_version, &found, sizeof(found));
    const char *version = get_version(); /* works at any time */
    size_t length = text_copy(python.runtime, sizeof(python.runtime), "cpython ");
    text_copy_span(python.runtime + length, sizeof(python.runtime) - length, version,
                   strcspn(version, " "));
    python.version = python_parse(version);
    bool ours = python.version == PYTHON_2_7 ||
                (python.version >= PYTHON_3_6 && python.version <= PYTHON_NEWEST);
    python.known = true;
    python.supported = ours && !strstr(version, "free-threading") && python_load(object);
}

void python_identify(void)
{
    python.objects_added = objects_added();
    if (python_is_present())
        python_open(NULL);
}

bool python_look(void)
{
    uint64_t added = python.known ? python.objects_added : objects_added();
    if (added == python.objects_added)
        return false;
    python.objects_added = added;
    if (!objects_visit(python_in_object, &python.object))
        return false;
    /* It is on the list before it is relocated. Any look-up waits until dlopen() is through. */
    symbols_find(RTLD_DEFAULT, "getpid");
    python.late = true;
    python_open(&python.object);
    return python.known;
}

bool python_is_known(void)
{
    return python.known;
}

bool python_is_supported(void)
{
    return python.supported;
}

bool python_is_late(void)
{
    return python.late;
}

unsigned python_version(void)
{
    return python.version;
}

static bool python_is_there(const struct object *object, void *argument)
{
    (void)argument;
    return object->base == python.object.base && object->symbols == python.object.symbols &&
           python_api.is_initialized();
}

bool python_is_up(void)
{
    /* What was loaded late may be unloaded again: not while we are in there. */
    return python.late ? objects_visit(python_is_there, NULL) : python_api.is_initialized() != 0;
}

bool python_is_ending(void)
{
    if (python_api.is_finalizing)
        return python_api.is_finalizing() != 0;
    return python_api.finalizing && *python_api.finalizing;
}

bool python_is_ours(void)
{
    void *mine = python_api.thread_state();
    void *attached =
        python_api.thread_attached ? python_api.thread_attached() : *python_api.attached;
    return mine && mine == attached;
}

bool python_has_one_interpreter(void)
{
    return !python_api.interpreter_next(python_api.interpreter_first());
}

bool python_can_freeze(void)
{
    return python.supported && python.version >= PYTHON_3_7;
}

const char *python_runtime(void)
{
    return python.runtime;
}

void *python_none(void)
{
    python_api.ref(python_api.none);
    return python_api.none;
}

void *python_call(void *function, void *arguments)
{
    if (!arguments)
        arguments = python_api.tuple_new(0);
    void *result = arguments && function ? python_api.call(function, arguments, NULL) : NULL;
    if (arguments)
        python_api.unref(arguments);
    if (!result)
        python_api.error_clear();
    return result;
}

bool python_number(void *object, uint64_t *ret_value)
{
    long long value = object ? python_api.long_get(object) : -1;
    if (object)
        python_api.unref(object);
    if (python_api.error_occurred())
        python_api.error_clear();
    if (value < 0)
        return false;
    *ret_value = (uint64_t)value;
    return true;
}

bool python_triple(void *function, uint64_t ret_values[static 3])
{
    uint64_t values[3];
    void *tuple = python_call(function, NULL);
    bool known = tuple && python_api.size(tuple) == 3;
    for (int i = 0; known && i < 3; i++) {
        void *item = python_api.tuple_get(tuple, i); /* borrowed */
        if (item)
            python_api.ref(item);
        known = python_number(item, &values[i]);
    }
    if (tuple)
        python_api.unref(tuple);
    python_api.error_clear();
    if (known)
        memcpy(ret_values, values, sizeof(values));
    return known;
}
