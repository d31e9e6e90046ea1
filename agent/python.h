/* SPDX-License-Identifier: MIT */
/*
 * CPython by dlsym: which version it is, and its C interface. Versions other than 3.7 to 3.13 with
 * a GIL are named and left alone: only malloc is served there.
 */
#ifndef MEMTEND_AGENT_PYTHON_H
#define MEMTEND_AGENT_PYTHON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct python_api {
    int (*is_initialized)(void);
    int (*is_finalizing)(void);
    int (*gil_ensure)(void);
    void (*gil_release)(int);
    void *(*save_thread)(void);
    void (*restore_thread)(void *);
    int (*add_pending_call)(int (*)(void *), void *);
    void *(*get_modules)(void);
    void *(*dict_get)(void *, const char *);
    void *(*list_new)(ssize_t);
    void *(*dict_new)(void);
    int (*dict_set)(void *, const char *, void *);
    void *(*get_attribute)(void *, const char *);
    int (*set_attribute)(void *, const char *, void *);
    void *(*text_new)(const char *);
    void *(*bool_new)(long);
    void *(*call)(void *, void *, void *);
    int (*is_true)(void *);
    ssize_t (*size)(void *);
    void *(*tuple_new)(ssize_t);
    void *(*list_get)(void *, ssize_t);
    int (*tuple_set)(void *, ssize_t, void *);
    void *(*tuple_get)(void *, ssize_t);
    void *(*long_new)(long);
    long long (*long_get)(void *);
    void *(*function_new)(void *, void *, void *);
    void (*error_clear)(void);
    void *(*error_occurred)(void);
    void (*ref)(void *);
    void (*unref)(void *);
    void *none;
};

extern struct python_api python_api;

/* Constructor: is an interpreter linked into the program? */
bool python_is_present(void);
/* Constructor: which one, and can we serve it? */
void python_identify(void);
bool python_is_supported(void);
/* os.fork() looks for other threads after its hooks, not before. */
bool python_counts_threads_late(void);
/* gc.freeze() is there: from 3.7. */
bool python_can_freeze(void);
/* "cpython 3.13.0", "" without Python. */
const char *python_runtime(void);

/* GIL held: call(function, args...), args stolen and NULL allowed; NULL on error, cleared. */
void *python_call(void *function, void *arguments);
/* GIL held: a whole number >= 0; takes the reference, NULL is an earlier error. Error clear. */
bool python_number(void *object, uint64_t *ret_value);
/* GIL held: a tuple of three whole numbers that function() returns. Error clear. */
bool python_triple(void *function, uint64_t ret_values[static 3]);

#endif
