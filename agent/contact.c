/* SPDX-License-Identifier: MIT */
#include "contact.h"

#include "base/clock.h"
#include "gil.h"
#include "job.h"
#include "python.h"
#include "thread.h"

#include <errno.h>
#include <stddef.h>

/* A collect under way at exit is given this long to end; then the interpreter goes on. */
#define CONTACT_EXIT_USEC (1 * USEC_PER_SEC)

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

/* The rest runs on whichever thread of the program forks or exits, with the GIL. */

static void *contact_on_exit(void *self, void *arguments)
{
    (void)self, (void)arguments;
    gil_close();
    job_cancel();
    gil_wait_for_leave(CONTACT_EXIT_USEC);
    thread_wake();
    return contact_none();
}

/* A process with a second thread may not fork without a warning (3.12), and what the thread holds
 * at that moment is lost in the child: so there is no thread while the program forks. */
static void *contact_before_fork(void *self, void *arguments)
{
    (void)self, (void)arguments;
    gil_pause();
    job_cancel();
    void *saved = python_api.save_thread(); /* a job that waits for the GIL must get it to leave */
    thread_stop();
    python_api.restore_thread(saved);
    return contact_none();
}

static void *contact_after_fork(void *self, void *arguments)
{
    (void)self, (void)arguments;
    if (gil_resume() && !gil_is_closed())
        thread_start();
    return contact_none();
}

static struct contact_method contact_exit = {"memtend_on_exit", contact_on_exit,
                                             CONTACT_NO_ARGUMENTS, NULL};
static struct contact_method contact_before = {"memtend_before_fork", contact_before_fork,
                                               CONTACT_NO_ARGUMENTS, NULL};
static struct contact_method contact_after = {"memtend_after_fork", contact_after_fork,
                                              CONTACT_NO_ARGUMENTS, NULL};

/* Set keywords[key] to a callable of ours; false on error. */
static bool contact_set(void *keywords, const char *key, struct contact_method *method)
{
    void *function = python_api.function_new(method, NULL, NULL);
    bool set = function && python_api.dict_set(keywords, key, function) == 0;
    if (function)
        python_api.unref(function);
    return set;
}

/* module.name(*arguments, **keywords); takes both, NULL is an earlier error. */
static bool contact_call(const char *module_name, const char *name, void *arguments, void *keywords)
{
    void *module = python_api.import_module(module_name);
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
        !contact_set(keywords, "after_in_parent", &contact_after) ||
        !contact_set(keywords, "after_in_child", &contact_after)) {
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

int contact_register(void)
{
    static bool fork_done, exit_done; /* each is registered once, however often contact is tried */
    exit_done = exit_done || contact_register_exit();
    fork_done = fork_done || (exit_done && contact_register_fork());
    python_api.error_clear();
    return exit_done && fork_done ? 0 : -EAGAIN;
}
