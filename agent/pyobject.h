/* SPDX-License-Identifier: MIT */
/*
 * Reading CPython's objects in place: what kind one is, how long, what it refers to and by which
 * name. GIL held throughout, on any thread. Nothing here runs Python code or makes an object: no
 * attribute look-up, no len(), no reference taken or given back (giving one back may run a
 * finaliser). So every object handed out is borrowed and gone when the GIL is.
 *
 * What is read without the C interface is the same in all versions (heads of objects and types)
 * or fixed within one (attribute values kept beside the object, 3.11 to 3.13; asking the
 * interface for them would make a dict of them for good). pyobject_open() checks both.
 */
#ifndef MEMTEND_AGENT_PYOBJECT_H
#define MEMTEND_AGENT_PYOBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pyobject_kind {
    PYOBJECT_ATOM, /* refers to nothing we follow */
    PYOBJECT_TEXT, /* str, bytes, bytearray */
    PYOBJECT_DICT,
    PYOBJECT_LIST,
    PYOBJECT_TUPLE,
    PYOBJECT_SET,
    PYOBJECT_DEQUE, /* collections.deque; its items are not followed */
    PYOBJECT_CACHE, /* functools.lru_cache */
    PYOBJECT_MODULE,
    PYOBJECT_CLASS,
    PYOBJECT_FUNCTION,
    PYOBJECT_CELL,  /* a variable of a closure */
    PYOBJECT_LOCAL, /* threading.local: the values of all threads */
    PYOBJECT_INSTANCE,
};

/* How a type's objects are read. Valid as long as the type, that is while the GIL is held. */
struct pyobject_type {
    const void *type;
    uint8_t kind;   /* enum pyobject_kind */
    bool has_names; /* attributes, beside the items it may have */
};

enum pyobject_step {
    PYOBJECT_NAME,   /* an attribute; name is a str */
    PYOBJECT_MEMBER, /* an attribute; name is a C string */
    PYOBJECT_INDEX,  /* an item by its number */
    PYOBJECT_ITEM,   /* an item of a dict or set; which one is nobody's business */
};

/* One reference from an object to another. */
struct pyobject_edge {
    void *object;
    enum pyobject_step step;
    const void *name;
    uint32_t index;
};

/* False: enough. */
typedef bool pyobject_visitor(void *context, const struct pyobject_edge *edge);

/* As python_symbols_load(): find the C interface. False: no census in this process. */
bool pyobject_load(void);
/* Job's thread, once: is everything where it is expected? modules is sys.modules. */
bool pyobject_open(void *modules);

/* ---- kinds ---- */
const void *pyobject_type_of(const void *object);
/* The C types that are found by name: collections.deque, functools' and _thread's; NULL without. */
void pyobject_know(const void *deque, const void *cache, const void *local);
struct pyobject_type pyobject_classify(const void *type);
bool pyobject_is_subtype(const void *type, const void *base);
/* A class made at run time: the others keep nothing. */
bool pyobject_class_is_made(const void *class);
/* "dict", "collections.deque", "Cache"; never NULL, of names' letters only. */
void pyobject_type_name(const void *type, char *ret_name, size_t size);
/* Reference count; false when it is none (objects that live for ever, 3.12). */
bool pyobject_references(const void *object, uint64_t *ret_count);

/* ---- values ---- */
/* Items of a container, bytes or characters of a text; 0 for anything else. */
uint64_t pyobject_length(const void *object, enum pyobject_kind kind);
/* The letters of an ASCII str, not NUL-terminated; NULL for anything else. */
const char *pyobject_ascii(const void *text, size_t *ret_length);
bool pyobject_is_text(const void *object, const char *text);
/* Copy a name of a module, class, attribute or coroutine; false, and nothing copied, when it does
 * not look like one. */
bool pyobject_copy_name(const void *text, char *ret_name, size_t size);
/* An exact int within int64_t. */
bool pyobject_integer(const void *object, int64_t *ret_value);
bool pyobject_is_true(const void *object);
/* Results that an lru_cache keeps. False: its size is bounded, or not known. */
bool pyobject_cache_is_unbounded(const void *cache, uint64_t *ret_length);
/* What a weak reference refers to, NULL when that is gone or it is none. */
void *pyobject_weakref(const void *reference);
/* Its qualified name; false when it is no coroutine or generator. Makes a reference for a moment,
 * to what the coroutine itself holds. */
bool pyobject_coroutine_name(void *object, char *ret_name, size_t size);

/* ---- references ---- */
/* Items, by number or not at all; of a dict also its keys that are no text. */
void pyobject_visit_items(void *object, enum pyobject_kind kind, pyobject_visitor *visit,
                          void *context);
/* The items of a dict by their keys, as if they were attributes. */
void pyobject_visit_dict(void *dict, pyobject_visitor *visit, void *context);
/* What its attributes refer to, by name. */
void pyobject_visit_names(void *object, enum pyobject_kind kind, pyobject_visitor *visit,
                          void *context);
/* Every object that the collector tracks, until visit() answers 0. False: it cannot be asked so
 * (before 3.12); nothing was visited. */
bool pyobject_visit_heap(int (*visit)(void *object, void *context), void *context);
/* Everything it refers to as the collector sees it, without names; at most so many. */
void pyobject_visit_all(void *object, uint32_t limit, pyobject_visitor *visit, void *context);
/* The attribute of an object, module or class, without its bases; NULL when absent. */
void *pyobject_attribute(void *object, const char *name);

#endif
