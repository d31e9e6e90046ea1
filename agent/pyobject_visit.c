/* SPDX-License-Identifier: MIT */
#include "pyobject.h"

#include "pyobject_api.h"
#include "pyobject_layout.h"
#include "python.h"

#include <string.h>

/* More attributes than anybody writes down: they are data, and so are their names. */
#define PYOBJECT_NAMES_MAX        512
#define PYOBJECT_MODULE_NAMES_MAX 10000
/* threading.local keeps one dict a thread. */
#define PYOBJECT_THREADS_MAX 256
/* What an lru_cache refers to when it has no list of what was used when. */
#define PYOBJECT_CACHE_REFERENCES 64

/* Places of a dict or set: one that was drained keeps them all, and a look goes through each. So
 * many take some 50 us, and dicts of as many names as are looked at have fewer. */
#define PYOBJECT_ROOM_MAX 32768

struct traversal {
    pyobject_visitor *visit;
    void *context;
    uint32_t left;
};

static int on_referent(void *object, void *argument)
{
    struct traversal *traversal = argument;
    const struct pyobject_edge edge = {.object = object, .step = PYOBJECT_ITEM};
    if (traversal->left == 0)
        return 1;
    traversal->left--;
    return traversal->visit(traversal->context, &edge) ? 0 : 1;
}

void pyobject_visit_all(void *object, uint32_t limit, pyobject_visitor *visit, void *context)
{
    layout_traverse_function *traverse = layout_traverse(layout_type(object));
    struct traversal traversal = {visit, context, limit};
    if (traverse)
        traverse(object, on_referent, &traversal);
}

bool pyobject_visit_heap(int (*visit)(void *object, void *context), void *context)
{
    if (!pyobject_api.visit_heap)
        return false;
    pyobject_api.visit_heap(visit, context);
    return true;
}

static bool is_dict(const void *object)
{
    return object && layout_flags(layout_type(object)) & LAYOUT_FLAG_DICT;
}

static bool dict_is_wide(const void *dict)
{
    return layout_dict_room(dict) > PYOBJECT_ROOM_MAX;
}

static void visit_dict_items(void *dict, pyobject_visitor *visit, void *context)
{
    ssize_t at = 0;
    void *key, *value;
    while (pyobject_api.dict_next(dict, &at, &key, &value)) {
        size_t length;
        const struct pyobject_edge to_key = {.object = key, .step = PYOBJECT_ITEM};
        const struct pyobject_edge to_value = {.object = value, .step = PYOBJECT_ITEM};
        if (!visit(context, &to_value) ||
            (!pyobject_ascii(key, &length) && !visit(context, &to_key)))
            return;
    }
}

static void visit_sequence(void *object, enum pyobject_kind kind, pyobject_visitor *visit,
                           void *context)
{
    uint64_t flag = kind == PYOBJECT_LIST ? LAYOUT_FLAG_LIST : LAYOUT_FLAG_TUPLE;
    ssize_t count = layout_flags(layout_type(object)) & flag ? layout_size(object) : 0;
    for (ssize_t i = 0; i < count; i++) {
        const struct pyobject_edge edge = {
            .object = kind == PYOBJECT_LIST ? python_api.list_get(object, i)
                                            : python_api.tuple_get(object, i),
            .step = PYOBJECT_INDEX,
            .index = (uint32_t)i,
        };
        if (edge.object && !visit(context, &edge))
            return;
    }
}

void pyobject_visit_items(void *object, enum pyobject_kind kind, pyobject_visitor *visit,
                          void *context)
{
    if (kind == PYOBJECT_DICT && is_dict(object) && !dict_is_wide(object))
        visit_dict_items(object, visit, context);
    else if (kind == PYOBJECT_LIST || kind == PYOBJECT_TUPLE)
        visit_sequence(object, kind, visit, context);
    else if (kind == PYOBJECT_SET && layout_set_room(object) <= PYOBJECT_ROOM_MAX)
        pyobject_visit_all(object, UINT32_MAX, visit, context);
}

static bool visit_member(void *object, const char *name, pyobject_visitor *visit, void *context)
{
    const struct pyobject_edge edge = {.object = object, .step = PYOBJECT_MEMBER, .name = name};
    return !object || visit(context, &edge);
}

static bool visit_by_keys(void *dict, pyobject_visitor *visit, void *context)
{
    ssize_t at = 0;
    void *key, *value;
    while (pyobject_api.dict_next(dict, &at, &key, &value)) {
        const struct pyobject_edge edge = {.object = value, .step = PYOBJECT_NAME, .name = key};
        if (!visit(context, &edge))
            return false;
    }
    return true;
}

/* The attributes in a dict; too many of them are one dict with items. */
static bool visit_namespace(void *dict, size_t limit, pyobject_visitor *visit, void *context)
{
    if (!is_dict(dict))
        return true;
    if ((size_t)pyobject_api.dict_size(dict) > limit || dict_is_wide(dict))
        return visit_member(dict, "__dict__", visit, context);
    return visit_by_keys(dict, visit, context);
}

void pyobject_visit_dict(void *dict, pyobject_visitor *visit, void *context)
{
    if (is_dict(dict))
        visit_by_keys(dict, visit, context);
}

static bool visit_values(const struct layout_values *values, pyobject_visitor *visit, void *context)
{
    for (size_t i = 0; i < values->count; i++) {
        struct pyobject_edge edge = {.step = PYOBJECT_NAME};
        edge.object = layout_value(values, i, &edge.name);
        if (edge.object && edge.name && !visit(context, &edge))
            return false;
    }
    return true;
}

static void visit_slots(void *object, pyobject_visitor *visit, void *context)
{
    struct layout_slot slot = {.type = layout_type(object)};
    while (layout_next_slot(object, &slot))
        if (!visit_member(slot.value, slot.name, visit, context))
            return;
}

static void visit_instance(void *object, pyobject_visitor *visit, void *context)
{
    struct layout_values values;
    void *dict = layout_attributes(object, &values);
    bool more = dict ? visit_namespace(dict, PYOBJECT_NAMES_MAX, visit, context)
                     : visit_values(&values, visit, context);
    if (more)
        visit_slots(object, visit, context);
}

static void visit_function(void *function, pyobject_visitor *visit, void *context)
{
    struct layout_values none;
    if (visit_member(pyobject_api.function_defaults(function), "__defaults__", visit, context) &&
        visit_member(pyobject_api.function_closure(function), "__closure__", visit, context))
        visit_namespace(layout_attributes(function, &none), PYOBJECT_NAMES_MAX, visit, context);
}

struct locals {
    pyobject_visitor *visit;
    void *context;
};

/* A referent of a threading.local: is it the dict of all threads' dicts? */
static bool on_local(void *context, const struct pyobject_edge *edge)
{
    struct locals *locals = context;
    ssize_t at = 0;
    void *key, *value;
    if (layout_type(edge->object) != pyobject_api.dict_type || dict_is_wide(edge->object))
        return true;
    for (int i = 0;
         i < PYOBJECT_THREADS_MAX && pyobject_api.dict_next(edge->object, &at, &key, &value); i++)
        if (layout_type(value) == pyobject_api.dict_type &&
            !visit_namespace(value, PYOBJECT_NAMES_MAX, locals->visit, locals->context))
            return false;
    return true;
}

void pyobject_visit_names(void *object, enum pyobject_kind kind, pyobject_visitor *visit,
                          void *context)
{
    struct locals locals = {visit, context};
    const void *type = layout_type(object);
    if (kind == PYOBJECT_MODULE)
        visit_namespace(pyobject_api.module_dict(object), PYOBJECT_MODULE_NAMES_MAX, visit,
                        context);
    else if (type == pyobject_api.class_type || type == pyobject_api.instance_type)
        visit_namespace(layout_old_class_dict(object), PYOBJECT_NAMES_MAX, visit, context);
    else if (kind == PYOBJECT_CLASS)
        visit_namespace(layout_class_dict(object), PYOBJECT_NAMES_MAX, visit, context);
    else if (kind == PYOBJECT_FUNCTION)
        visit_function(object, visit, context);
    else if (kind == PYOBJECT_CELL)
        visit_member(layout_cell(object), "cell_contents", visit, context);
    else if (kind == PYOBJECT_LOCAL)
        pyobject_visit_all(object, PYOBJECT_THREADS_MAX, on_local, &locals);
    else
        visit_instance(object, visit, context);
}

struct search {
    const char *name;
    size_t length;
    void *found;
};

static bool on_attribute(void *context, const struct pyobject_edge *edge)
{
    struct search *search = context;
    size_t length = 0;
    const char *name = edge->name;
    if (edge->step == PYOBJECT_NAME)
        name = pyobject_ascii(edge->name, &length);
    else if (edge->step == PYOBJECT_MEMBER)
        length = strlen(name);
    if (!name || length != search->length || memcmp(name, search->name, length) != 0)
        return true;
    search->found = edge->object;
    return false;
}

void *pyobject_attribute(void *object, const char *name)
{
    struct search search = {.name = name, .length = strlen(name)};
    if (object)
        pyobject_visit_names(object,
                             (enum pyobject_kind)pyobject_classify(layout_type(object)).kind,
                             on_attribute, &search);
    return search.found;
}

/* ---- caches ---- */

struct cache_search {
    const void *own_dict;
    void *results;
    bool ended;
    uint32_t seen;
};

static bool on_cache_referent(void *context, const struct pyobject_edge *edge)
{
    struct cache_search *search = context;
    if (++search->seen >= PYOBJECT_CACHE_REFERENCES)
        search->ended = true;
    if (edge->object != search->own_dict && layout_type(edge->object) == pyobject_api.dict_type)
        search->results = edge->object;
    return true;
}

/*
 * cache_info() would say it, but makes a named tuple, which is Python code. A bounded cache keeps
 * its results in links, and its traversal begins with them; an unbounded one has neither.
 */
bool pyobject_cache_is_unbounded(const void *cache, uint64_t *ret_length)
{
    void *own = (void *)(uintptr_t)cache, *key, *value;
    struct layout_values none;
    struct cache_search search = {.own_dict = layout_attributes(own, &none)};
    ssize_t at = 0;
    pyobject_visit_all(own, PYOBJECT_CACHE_REFERENCES, on_cache_referent, &search);
    if (search.ended || !search.results ||
        !pyobject_api.dict_next(search.results, &at, &key, &value))
        return false;
    if (strstr(layout_type_name(layout_type(value)), "_lru_list_elem"))
        return false;
    *ret_length = (uint64_t)pyobject_api.dict_size(search.results);
    return true;
}
