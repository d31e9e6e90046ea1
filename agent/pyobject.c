/* SPDX-License-Identifier: MIT */
#include "pyobject.h"

#include "pyobject_api.h"
#include "pyobject_layout.h"
#include "python.h"
#include "symbols.h"

#include <string.h>

struct pyobject_api pyobject_api;

#define NEEDED(member, name_)                                                                      \
    {                                                                                              \
        .name = (name_), .offset = offsetof(struct pyobject_api, member), .required = true         \
    }
#define OPTIONAL(member, name_)                                                                    \
    {                                                                                              \
        .name = (name_), .offset = offsetof(struct pyobject_api, member), .required = false        \
    }

static const struct symbol symbols[] = {
    NEEDED(dict_type, "PyDict_Type"),
    NEEDED(set_type, "PySet_Type"),
    NEEDED(frozenset_type, "PyFrozenSet_Type"),
    NEEDED(module_type, "PyModule_Type"),
    NEEDED(bytearray_type, "PyByteArray_Type"),
    NEEDED(function_type, "PyFunction_Type"),
    NEEDED(cell_type, "PyCell_Type"),
    NEEDED(long_type, "PyLong_Type"),
    NEEDED(true_, "_Py_TrueStruct"),
    NEEDED(weakref_type, "_PyWeakref_RefType"),
    NEEDED(generator_type, "PyGen_Type"),
    NEEDED(method_type, "PyMethod_Type"),
    NEEDED(staticmethod_type, "PyStaticMethod_Type"),
    NEEDED(classmethod_type, "PyClassMethod_Type"),
    NEEDED(property_type, "PyProperty_Type"),
    OPTIONAL(coroutine_type, "PyCoro_Type"),
    OPTIONAL(int_type, "PyInt_Type"),
    OPTIONAL(class_type, "PyClass_Type"),
    OPTIONAL(instance_type, "PyInstance_Type"),
    NEEDED(dict_next, "PyDict_Next"),
    NEEDED(dict_size, "PyDict_Size"),
    NEEDED(set_size, "PySet_Size"),
    NEEDED(module_dict, "PyModule_GetDict"),
    NEEDED(function_closure, "PyFunction_GetClosure"),
    NEEDED(function_defaults, "PyFunction_GetDefaults"),
    NEEDED(weakref_get, "PyWeakref_GetObject"),
    NEEDED(is_subtype, "PyType_IsSubtype"),
    OPTIONAL(visit_heap, "PyUnstable_GC_VisitObjects"),
};

bool pyobject_load(void)
{
    return python_symbols_load(symbols, sizeof(symbols) / sizeof(symbols[0]), &pyobject_api) &&
           layout_load();
}

void pyobject_know(const void *deque, const void *cache, const void *local)
{
    /* Its len() is called: the name may be anything by now, and a Python class would run code. */
    pyobject_api.deque = deque && layout_is_c_class(deque) ? deque : NULL;
    pyobject_api.cache = cache;
    pyobject_api.local = local;
}

const void *pyobject_type_of(const void *object)
{
    return layout_type(object);
}

bool pyobject_is_subtype(const void *type, const void *base)
{
    return type == base || pyobject_api.is_subtype(type, base);
}

bool pyobject_class_is_made(const void *class)
{
    return layout_type(class) == pyobject_api.class_type || layout_flags(class) & LAYOUT_FLAG_HEAP;
}

/* ---- kinds ---- */

static enum pyobject_kind kind_of_flags(uint64_t flags)
{
    static const struct {
        uint64_t flag;
        enum pyobject_kind kind;
    } kinds[] = {{LAYOUT_FLAG_DICT, PYOBJECT_DICT},   {LAYOUT_FLAG_LIST, PYOBJECT_LIST},
                 {LAYOUT_FLAG_TUPLE, PYOBJECT_TUPLE}, {LAYOUT_FLAG_TYPE, PYOBJECT_CLASS},
                 {LAYOUT_FLAG_TEXT, PYOBJECT_TEXT},   {LAYOUT_FLAG_BYTES, PYOBJECT_TEXT}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (flags & kinds[i].flag)
            return kinds[i].kind;
    return PYOBJECT_ATOM;
}

static enum pyobject_kind kind_of_type(const void *type)
{
    const struct {
        const void *type;
        bool exact;
        enum pyobject_kind kind;
    } kinds[] = {{pyobject_api.function_type, true, PYOBJECT_FUNCTION},
                 {pyobject_api.cell_type, true, PYOBJECT_CELL},
                 {pyobject_api.cache, true, PYOBJECT_CACHE},
                 {pyobject_api.class_type, true, PYOBJECT_CLASS},
                 {pyobject_api.local, false, PYOBJECT_LOCAL},
                 {pyobject_api.set_type, false, PYOBJECT_SET},
                 {pyobject_api.frozenset_type, false, PYOBJECT_SET},
                 {pyobject_api.bytearray_type, false, PYOBJECT_TEXT},
                 {pyobject_api.module_type, false, PYOBJECT_MODULE}};
    enum pyobject_kind kind = kind_of_flags(layout_flags(type));
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && kind == PYOBJECT_ATOM; i++)
        if (kinds[i].type && (kinds[i].type == type ||
                              (!kinds[i].exact && pyobject_api.is_subtype(type, kinds[i].type))))
            kind = kinds[i].kind;
    /* A subclass with a len() of its own has another function there. */
    if (kind == PYOBJECT_ATOM && pyobject_api.deque &&
        layout_length_function(type) == layout_length_function(pyobject_api.deque) &&
        pyobject_api.is_subtype(type, pyobject_api.deque))
        kind = PYOBJECT_DEQUE;
    return kind;
}

/* Methods and the like are wrappers of what we want to see. */
static bool type_is_wrapper(const void *type)
{
    return type == pyobject_api.method_type || type == pyobject_api.staticmethod_type ||
           type == pyobject_api.classmethod_type || type == pyobject_api.property_type;
}

struct pyobject_type pyobject_classify(const void *type)
{
    enum pyobject_kind kind = kind_of_type(type);
    bool has_names = kind >= PYOBJECT_CACHE || layout_has_dict(type) || layout_has_slots(type) ||
                     type_is_wrapper(type) || type == pyobject_api.instance_type;
    if (kind == PYOBJECT_ATOM && has_names)
        kind = PYOBJECT_INSTANCE;
    return (struct pyobject_type){.type = type, .kind = (uint8_t)kind, .has_names = has_names};
}

bool pyobject_references(const void *object, uint64_t *ret_count)
{
    return layout_references(object, ret_count);
}

/* ---- names ---- */

/* The letters of names of modules, attributes, classes and nested functions. */
static size_t name_length(const char *text, size_t length)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "_.<>";
    size_t good = 0;
    while (good < length && text[good] && strchr(letters, text[good]))
        good++;
    return good;
}

static bool copy_name(const char *text, size_t length, char *ret_name, size_t size)
{
    if (length == 0 || length >= size || name_length(text, length) != length ||
        (text[0] >= '0' && text[0] <= '9'))
        return false;
    memcpy(ret_name, text, length);
    ret_name[length] = '\0';
    return true;
}

bool pyobject_copy_name(const void *text, char *ret_name, size_t size)
{
    size_t length;
    const char *letters = pyobject_ascii(text, &length);
    return letters && copy_name(letters, length, ret_name, size);
}

void pyobject_type_name(const void *type, char *ret_name, size_t size)
{
    const char *name = layout_type_name(type);
    if (!copy_name(name, strnlen(name, size), ret_name, size))
        copy_name("object", strlen("object"), ret_name, size);
}

const char *pyobject_ascii(const void *text, size_t *ret_length)
{
    return layout_ascii(text, ret_length);
}

bool pyobject_is_text(const void *object, const char *text)
{
    size_t length;
    const char *letters = pyobject_ascii(object, &length);
    return letters && length == strlen(text) && memcmp(letters, text, length) == 0;
}

/* ---- values ---- */

uint64_t pyobject_length(const void *object, enum pyobject_kind kind)
{
    void *own = (void *)(uintptr_t)object; /* the C interface knows no const */
    ssize_t length = 0;
    uint64_t cached = 0;
    switch (kind) {
    case PYOBJECT_TEXT:
    case PYOBJECT_LIST:
    case PYOBJECT_TUPLE:
        length = layout_size(object);
        break;
    case PYOBJECT_DICT:
        length = pyobject_api.dict_size(own);
        break;
    case PYOBJECT_SET:
        length = pyobject_api.set_size(own);
        break;
    case PYOBJECT_DEQUE:
        length = layout_length_function(layout_type(object))(own);
        break;
    case PYOBJECT_CACHE:
        pyobject_cache_is_unbounded(object, &cached);
        return cached;
    default:
        break;
    }
    return length > 0 ? (uint64_t)length : 0;
}

bool pyobject_integer(const void *object, int64_t *ret_value)
{
    const void *type = object ? layout_type(object) : NULL;
    if (!type || (type != pyobject_api.long_type && type != pyobject_api.int_type))
        return false;
    long long value = python_api.long_get((void *)(uintptr_t)object);
    if (value == -1 && python_api.error_occurred()) {
        python_api.error_clear();
        return false;
    }
    *ret_value = value;
    return true;
}

bool pyobject_is_true(const void *object)
{
    return object == pyobject_api.true_;
}

void *pyobject_weakref(const void *reference)
{
    if (!pyobject_is_subtype(layout_type(reference), pyobject_api.weakref_type))
        return NULL;
    void *object = pyobject_api.weakref_get((void *)(uintptr_t)reference); /* borrowed */
    return object == python_api.none ? NULL : object;
}

bool pyobject_coroutine_name(void *object, char *ret_name, size_t size)
{
    const void *type = layout_type(object);
    if (type != pyobject_api.generator_type &&
        (!pyobject_api.coroutine_type || type != pyobject_api.coroutine_type))
        return false;
    void *name = python_api.get_attribute(object, "__qualname__"); /* C code of the exact type */
    bool known = name && pyobject_copy_name(name, ret_name, size);
    if (name)
        python_api.unref(name);
    else
        python_api.error_clear();
    return known;
}

/* ---- are things where we think? ---- */

bool pyobject_open(void *modules)
{
    ssize_t at = 0;
    void *key, *value, *sys = NULL;
    if (!modules || !layout_is_sound(pyobject_api.dict_type) ||
        layout_type(modules) != pyobject_api.dict_type)
        return false;
    while (!sys && pyobject_api.dict_next(modules, &at, &key, &value))
        if (pyobject_is_text(key, "sys"))
            sys = value;
    if (!sys || !pyobject_is_subtype(layout_type(sys), pyobject_api.module_type))
        return false;
    /* Every module of Python 3 has one, an object of a Python class with attributes of its own. */
    void *spec = pyobject_attribute(sys, "__spec__");
    void *name = spec ? pyobject_attribute(spec, "name") : NULL;
    if (!name || !pyobject_is_text(name, "sys"))
        layout_forget_values();
    return true;
}
