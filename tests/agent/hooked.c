/* SPDX-License-Identifier: MIT */
/*
 * A C program that uses memtend/agent.h: hooks, marks, a name. Built by test_header.py, with the
 * library linked and with MEMTEND_AGENT_OPTIONAL. Goes through its acts one line of stdin each.
 */
#include <memtend/agent.h>

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARKERS 4
#define MARKS   25000
#define CACHE   ((size_t)4096)

static void *cache[CACHE];

static int drop_cache(void *context)
{
    for (size_t i = 0; i < CACHE; i++) {
        free(cache[i]);
        cache[i] = NULL;
    }
    ++*(int *)context;
    return 0;
}

static int fail_once(void *context)
{
    /* Calls back: takes itself off, and starts what runs. */
    if (memtend_off_pressure(fail_once, context) != 0 || memtend_start(NULL, NULL) != 0)
        abort();
    memtend_mark("failed");
    return -EIO;
}

static int wait_for_line(void *context)
{
    (void)context;
    puts("in");
    fflush(stdout);
    return getchar() == EOF;
}

static void *mark_a_lot(void *unused)
{
    (void)unused;
    for (int i = 0; i < MARKS; i++)
        memtend_region_end(memtend_region_begin("loop"));
    return NULL;
}

static void act(const char *name)
{
    puts(name);
    fflush(stdout);
    if (getchar() == EOF)
        exit(9);
}

static void with_hooks(int *calls)
{
    for (size_t i = 0; i < CACHE; i++)
        cache[i] = malloc(CACHE);
    if (memtend_on_pressure(drop_cache, calls) != 0 || memtend_on_pressure(fail_once, NULL) != 0 ||
        memtend_on_pressure(drop_cache, calls) != -EEXIST || memtend_on_pressure(NULL, NULL) == 0)
        abort();
    act("hooks");
    if (*calls != 2 || cache[0] || memtend_off_pressure(fail_once, NULL) != -ENOENT)
        abort();
}

static void with_marks(void)
{
    pthread_t threads[MARKERS];
    struct memtend_status status;
    for (int i = 0; i < MARKERS; i++)
        pthread_create(&threads[i], NULL, mark_a_lot, NULL);
    for (int i = 0; i < MARKERS; i++)
        pthread_join(threads[i], NULL);
    memtend_region_end(0);
    memtend_region_end(12345678);
    memtend_mark("");
    memtend_mark(NULL);
    act("marks");
    if (memtend_status(&status, sizeof(status)) != 0 || status.marks_left_out < MARKS ||
        status.marks_told > 100 || status.reason[0])
        abort();
}

static void with_a_child(int *calls)
{
    *calls = 0;
    uint64_t region = memtend_region_begin("of the parent");
    pid_t child = fork();
    if (child == 0) {
        memtend_region_end(region);
        act("child");
        _exit(*calls == 1 ? 7 : 8);
    }
    int status;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 7)
        abort();
    memtend_region_end(region);
}

static void with_a_hook_that_waits(int *calls)
{
    if (memtend_off_pressure(drop_cache, calls) != 0 ||
        memtend_on_pressure(wait_for_line, NULL) != 0)
        abort();
    act("wait");
    /* Waits for the hook to return. */
    if (memtend_off_pressure(wait_for_line, NULL) != 0)
        abort();
}

static int hook_of_many(void *context)
{
    (void)context;
    return 0;
}

static void with_too_many_hooks(void)
{
    static char contexts[MEMTEND_HOOKS_MAX + 1];
    for (int i = 0; i < MEMTEND_HOOKS_MAX; i++)
        if (memtend_on_pressure(hook_of_many, &contexts[i]) != 0)
            abort();
    if (memtend_on_pressure(hook_of_many, &contexts[MEMTEND_HOOKS_MAX]) != -ENOSPC)
        abort();
    for (int i = 0; i < MEMTEND_HOOKS_MAX; i++)
        if (memtend_off_pressure(hook_of_many, &contexts[i]) != 0)
            abort();
}

/* As it is without the library, or where it can do nothing. */
static int inert(int expected)
{
    struct memtend_status status;
    memset(&status, 1, sizeof(status));
    if (memtend_start("x", NULL) != expected || memtend_agent_active())
        return 1;
    if (memtend_region_begin("x") != 0)
        return 2;
    memtend_mark("x");
    memtend_region_end(1);
    if (memtend_trim() == 0)
        return 3;
    if (memtend_status(&status, sizeof(status)) == 0)
        printf("%s\n", status.reason);
    return 0;
}

int main(int argc, char **argv)
{
    int calls = 0;
    if (argc > 1)
        return inert(-atoi(argv[1]));
    if (memtend_name("hooked") != 0 || memtend_start(NULL, NULL) != 0 || !memtend_agent_active() ||
        memtend_trim() != 0 || strcmp(memtend_agent_version(), "") == 0)
        abort();
    with_hooks(&calls);
    with_marks();
    with_a_child(&calls);
    with_a_hook_that_waits(&calls);
    with_too_many_hooks();
    act("end");
    return 0;
}
