/* SPDX-License-Identifier: MIT */
#include "hooks.h"

#include "python.h"
#include "state.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum hook_state {
    HOOK_FREE,
    HOOK_WRITING, /* being filled */
    HOOK_SET,
    HOOK_RUNNING,
    HOOK_LEAVING, /* running, to be free afterwards */
};

struct hook {
    _Atomic int state;
    memtend_hook function;
    void *context;
};

static struct {
    struct hook table[MEMTEND_HOOKS_MAX];
    _Atomic pid_t runner; /* the thread that calls C's hooks, 0: none */
    _Atomic uint64_t called, failed;
    /* Of Python; changed and used with the GIL. */
    void *_Atomic callable; /* owned */
    void *modules;          /* sys.modules of the interpreter it belongs to; borrowed */
} hooks STATE;

static bool hook_move(struct hook *hook, int from, int to)
{
    return atomic_compare_exchange_strong(&hook->state, &from, to);
}

static bool hook_is(struct hook *hook, memtend_hook function, const void *context)
{
    int state = atomic_load(&hook->state);
    return (state == HOOK_SET || state == HOOK_RUNNING) && hook->function == function &&
           hook->context == context;
}

static struct hook *hooks_find(memtend_hook function, const void *context)
{
    for (size_t i = 0; i < MEMTEND_HOOKS_MAX; i++)
        if (hook_is(&hooks.table[i], function, context))
            return &hooks.table[i];
    return NULL;
}

int hooks_add(memtend_hook function, void *context)
{
    if (!function)
        return -EINVAL;
    if (hooks_find(function, context))
        return -EEXIST;
    for (size_t i = 0; i < MEMTEND_HOOKS_MAX; i++) {
        struct hook *hook = &hooks.table[i];
        if (hook_move(hook, HOOK_FREE, HOOK_WRITING)) {
            hook->function = function;
            hook->context = context;
            atomic_store(&hook->state, HOOK_SET);
            return 0;
        }
    }
    return -ENOSPC;
}

static void hooks_nap(void)
{
    struct timespec nap = {.tv_nsec = 500 * 1000L};
    nanosleep(&nap, NULL);
}

int hooks_remove(memtend_hook function, void *context)
{
    struct hook *hook = hooks_find(function, context);
    while (hook) {
        if (hook_move(hook, HOOK_SET, HOOK_FREE))
            return 0;
        if (hook_move(hook, HOOK_RUNNING, HOOK_LEAVING)) {
            bool own = atomic_load(&hooks.runner) == (pid_t)syscall(SYS_gettid);
            while (!own && atomic_load(&hook->state) == HOOK_LEAVING)
                hooks_nap();
            return 0;
        }
        hook = hooks_find(function, context); /* it changed between the two looks */
    }
    return -ENOENT;
}

int hooks_set_python(void *callable)
{
    if (!python_is_supported())
        return -EOPNOTSUPP;
    if (callable)
        python_api.ref(callable);
    hooks.modules = python_api.get_modules();
    void *before = atomic_exchange(&hooks.callable, callable);
    if (before)
        python_api.unref(before);
    return 0;
}

/* ---- numbers ---- */

size_t hooks_count(void)
{
    size_t count = hooks_have_python();
    for (size_t i = 0; i < MEMTEND_HOOKS_MAX; i++)
        count += atomic_load(&hooks.table[i].state) > HOOK_WRITING;
    return count;
}

bool hooks_have_python(void)
{
    return atomic_load(&hooks.callable) != NULL;
}

void hooks_numbers(uint64_t *ret_called, uint64_t *ret_failed)
{
    *ret_called = atomic_load(&hooks.called);
    *ret_failed = atomic_load(&hooks.failed);
}

static void hooks_report(uint64_t called, uint64_t failed, struct job_result *result)
{
    atomic_fetch_add(&hooks.called, called);
    atomic_fetch_add(&hooks.failed, failed);
    result->objects += called;
    if (failed > 0)
        result->result = CONTROL_RESULT_FAILED;
}

/* ---- calling ---- */

static bool hooks_number_at(void *tuple, ssize_t index, uint64_t *ret_value)
{
    void *item = python_api.tuple_get(tuple, index); /* borrowed */
    if (item)
        python_api.ref(item);
    return python_number(item, ret_value);
}

void hooks_call_python(const struct job_request *request, struct job_result *result)
{
    (void)request;
    uint64_t called, failed;
    void *callable = atomic_load(&hooks.callable);
    /* The GIL is the main interpreter's; the package may have been imported in another. */
    if (!callable || python_api.get_modules() != hooks.modules)
        return;
    python_api.ref(callable); /* it may unregister itself */
    void *answer = python_call(callable, NULL);
    python_api.unref(callable);
    bool understood = answer && python_api.size(answer) == 2 &&
                      hooks_number_at(answer, 0, &called) && hooks_number_at(answer, 1, &failed);
    if (answer)
        python_api.unref(answer);
    python_api.error_clear();
    if (understood)
        hooks_report(called, failed, result);
    else
        result->result = CONTROL_RESULT_FAILED;
}

void hooks_call_plain(const struct job_request *request, struct job_result *result)
{
    (void)request;
    uint64_t called = 0, failed = 0;
    atomic_store(&hooks.runner, (pid_t)syscall(SYS_gettid));
    for (size_t i = 0; i < MEMTEND_HOOKS_MAX; i++) {
        struct hook *hook = &hooks.table[i];
        if (!hook_move(hook, HOOK_SET, HOOK_RUNNING))
            continue;
        called++;
        failed += hook->function(hook->context) != 0;
        /* Neither holds in a child that the hook has forked: there it is set already. */
        if (!hook_move(hook, HOOK_RUNNING, HOOK_SET))
            hook_move(hook, HOOK_LEAVING, HOOK_FREE);
    }
    atomic_store(&hooks.runner, 0);
    hooks_report(called, failed, result);
}

void hooks_forget(void)
{
    for (size_t i = 0; i < MEMTEND_HOOKS_MAX; i++) {
        struct hook *hook = &hooks.table[i];
        if (atomic_load(&hook->state) == HOOK_FREE)
            continue; /* a page that is not written to is not copied */
        hook_move(hook, HOOK_RUNNING, HOOK_SET);
        hook_move(hook, HOOK_LEAVING, HOOK_FREE);
        hook_move(hook, HOOK_WRITING, HOOK_FREE);
    }
    atomic_store(&hooks.runner, 0);
    atomic_store(&hooks.called, 0);
    atomic_store(&hooks.failed, 0);
}
