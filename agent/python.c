/* SPDX-License-Identifier: MIT */
#include "python.h"

#include "base/text.h"
#include "symbols.h"
#include "wire/limits.h"

#include <dlfcn.h>
#include <string.h>

/* Before 3.7 a foreign thread cannot know when it may take the GIL; after 3.13 nobody has tried. */
#define PYTHON_MINOR_MIN    7
#define PYTHON_MINOR_MAX    13
#define PYTHON_MINOR_FREEZE 7

struct python_api python_api;

static struct {
    char runtime[CONTROL_TEXT_SIZE];
    uint64_t minor; /* of version 3 */
    bool supported;
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
    API(text_new, "PyUnicode_FromString"),
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
};

bool python_is_present(void)
{
    return symbols_find(RTLD_DEFAULT, "Py_IsInitialized") != NULL;
}

static bool python_load(void)
{
    bool complete = symbols_load(RTLD_DEFAULT, python_symbols,
                                 sizeof(python_symbols) / sizeof(python_symbols[0]), &python_api);
    void *finalizing = symbols_find(RTLD_DEFAULT, "Py_IsFinalizing"); /* from 3.13 */
    if (!finalizing)
        finalizing = symbols_find(RTLD_DEFAULT, "_Py_IsFinalizing"); /* 3.7 to 3.12 */
    memcpy(&python_api.is_finalizing, &finalizing, sizeof(finalizing));
    return complete && finalizing;
}

void python_identify(void)
{
    const char *(*get_version)(void);
    void *found = symbols_find(RTLD_DEFAULT, "Py_GetVersion");
    if (!python_is_present() || !found)
        return;
    memcpy(&get_version, &found, sizeof(found));
    const char *version = get_version(); /* "3.13.0 (main, ...) [GCC ...]"; works at any time */
    size_t length = text_copy(python.runtime, sizeof(python.runtime), "cpython ");
    text_copy_span(python.runtime + length, sizeof(python.runtime) - length, version,
                   strcspn(version, " "));
    size_t used;
    if (strncmp(version, "3.", 2) != 0 ||
        text_scan_u64(version + 2, strlen(version + 2), &python.minor, &used) < 0)
        return;
    python.supported = python.minor >= PYTHON_MINOR_MIN && python.minor <= PYTHON_MINOR_MAX &&
                       !strstr(version, "free-threading") && python_load();
}

bool python_is_supported(void)
{
    return python.supported;
}

bool python_counts_threads_late(void)
{
    return python.minor >= 13;
}

bool python_can_freeze(void)
{
    return python.supported && python.minor >= PYTHON_MINOR_FREEZE;
}

const char *python_runtime(void)
{
    return python.runtime;
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
