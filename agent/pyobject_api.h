/* SPDX-License-Identifier: MIT */
/*
 * CPython's types and functions that pyobject.c and pyobject_visit.c share; nobody else includes
 * it. Filled by the constructor, but for what is found by name.
 */
#ifndef MEMTEND_AGENT_PYOBJECT_API_H
#define MEMTEND_AGENT_PYOBJECT_API_H

#include <stdint.h>
#include <sys/types.h>

struct pyobject_api {
    /* types */
    const void *dict_type, *set_type, *frozenset_type, *module_type, *bytearray_type;
    const void *function_type, *cell_type, *long_type, *true_, *weakref_type, *generator_type;
    const void *method_type, *staticmethod_type, *classmethod_type, *property_type;
    const void *coroutine_type;             /* from 3.5 */
    const void *int_type;                   /* 2.7 */
    const void *class_type, *instance_type; /* 2.7: classes without object */
    /* functions: none of them runs Python code or makes an object */
    int (*dict_next)(void *, ssize_t *, void **, void **);
    ssize_t (*dict_size)(void *);
    ssize_t (*set_size)(void *);
    void *(*module_dict)(void *);
    void *(*function_closure)(void *);
    void *(*function_defaults)(void *);
    void *(*weakref_get)(void *);
    int (*is_subtype)(const void *, const void *);
    void (*visit_heap)(int (*)(void *, void *), void *); /* from 3.12 */
    /* found by name */
    const void *deque, *cache, *local;
};

extern struct pyobject_api pyobject_api;

#endif
