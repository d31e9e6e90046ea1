/* SPDX-License-Identifier: MIT */
/*
 * CPython as it is found in the program: which version it is, and its C interface. Versions other
 * than 2.7 and 3.6 to 3.13 with a GIL are named and left alone: only malloc is served there.
 */
#ifndef MEMTEND_AGENT_PYTHON_H
#define MEMTEND_AGENT_PYTHON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What python_version() answers. */
#define PYTHON_2_7  207
#define PYTHON_3_6  306
#define PYTHON_3_7  307
#define PYTHON_3_8  308
#define PYTHON_3_10 310
#define PYTHON_3_11 311
#define PYTHON_3_12 312
#define PYTHON_3_13 313

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
    int (*at_exit)(void (*)(void));
    void *(*thread_state)(void);    /* of the calling thread in the main interpreter, or NULL */
    void *(*thread_attached)(void); /* from 3.6: whoever has the GIL; from 3.12 only if it is us */
    void *const volatile *attached; /* 2.7: the same as data */
    void *const volatile *finalizing;  /* 3.6: NULL, or who ends the interpreter */
    void (*init_threads)(void);        /* 2.7, 3.6 */
    void *(*import_now)(const char *); /* 2.7: NULL if another thread is importing */
    void *(*sys_get)(const char *);
    int (*sys_set)(const char *, void *);
    int (*list_append)(void *, void *);
    void *(*interpreter_first)(void);
    void *(*interpreter_next)(void *);
    void *(*get_frame)(void);
    void (*get_allocator)(int, void *); /* from 3.7 */
};

extern struct python_api python_api;

/* Is an interpreter among what is loaded? Any thread, not around a fork. */
bool python_is_present(void);
struct symbol;
/* Fill a table of pointers into this interpreter; false when a required one is absent. As
 * python_identify() and python_look(), after which it holds. */
bool python_symbols_load(const struct symbol *symbols, size_t count, void *table);
/* Constructor: which one, and can we serve it? */
void python_identify(void);
/* Agent's thread: look again when objects were loaded since. True: one is found. */
bool python_look(void);
/* Found, whether we can serve it or not. */
bool python_is_known(void);
bool python_is_supported(void);
/* It was loaded after the program began: the program's forks are not Python's. */
bool python_is_late(void);
/* 313 for 3.13; 0 = none, or one we do not know. */
unsigned python_version(void);
/* Agent's thread: there is an interpreter to talk to. */
bool python_is_up(void);
/* It is going down (not known in 2.7: false). */
bool python_is_ending(void);
/* Has the calling thread the GIL, with the main interpreter? */
bool python_is_ours(void);
/* GIL held: no sub-interpreter lives. */
bool python_has_one_interpreter(void);
/* gc.freeze() is there: from 3.7. */
bool python_can_freeze(void);
/* "cpython 3.13.0", "" without Python. */
const char *python_runtime(void);

/* GIL held: a new reference. */
void *python_none(void);
/* GIL held: call(function, args...), args stolen and NULL allowed; NULL on error, cleared. */
void *python_call(void *function, void *arguments);
/* GIL held: a whole number >= 0; takes the reference, NULL is an earlier error. Error clear. */
bool python_number(void *object, uint64_t *ret_value);
/* GIL held: a tuple of three whole numbers that function() returns. Error clear. */
bool python_triple(void *function, uint64_t ret_values[static 3]);

#endif
