/* SPDX-License-Identifier: MIT */
/*
 * A C program with a guest: loads a libpython long after it began, for itself alone, and runs one
 * interpreter after another in it.
 * usage: embedding LIBPYTHON SCRIPT...     one interpreter a script; "-": fork, go on as child;
 *        "~SCRIPT": what the python program does at the end of its start-up takes its time: malloc
 *        stands in for the raw allocator until somebody asks for the GIL, or half a second
 */
#include <dirent.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void *embedding_find(void *library, const char *name)
{
    void *found = dlsym(library, name);
    if (!found) {
        fprintf(stderr, "no %s\n", name);
        _exit(2);
    }
    return found;
}

struct embedding_allocator { /* PyMemAllocatorEx */
    void *context;
    void *(*malloc)(void *, size_t);
    void *(*calloc)(void *, size_t, size_t);
    void *(*realloc)(void *, void *, size_t);
    void (*free)(void *, void *);
};

static void *plain_malloc(void *context, size_t size)
{
    (void)context;
    return malloc(size > 0 ? size : 1);
}

static void *plain_calloc(void *context, size_t count, size_t size)
{
    (void)context;
    return calloc(count > 0 ? count : 1, size > 0 ? size : 1);
}

static void *plain_realloc(void *context, void *memory, size_t size)
{
    (void)context;
    return realloc(memory, size > 0 ? size : 1);
}

static void plain_free(void *context, void *memory)
{
    (void)context;
    free(memory);
}

static bool embedding_has_job(void)
{
    bool found = false;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *task = tasks ? readdir(tasks) : NULL; task; task = readdir(tasks)) {
        char path[300], comm[32] = "";
        snprintf(path, sizeof(path), "/proc/self/task/%s/comm", task->d_name);
        FILE *file = fopen(path, "r");
        if (file && fgets(comm, sizeof(comm), file))
            found = found || strncmp(comm, "memtend-job", 11) == 0;
        if (file)
            fclose(file);
    }
    if (tasks)
        closedir(tasks);
    return found;
}

/* The GIL is held all the time. A thread has its name before it asks for the GIL, and its memory
 * some microseconds later. */
static void embedding_start_up(void *library)
{
    const struct embedding_allocator plain = {NULL, plain_malloc, plain_calloc, plain_realloc,
                                              plain_free};
    struct embedding_allocator own;
    void (*get)(int, struct embedding_allocator *);
    void (*set)(int, const struct embedding_allocator *);
    *(void **)&get = embedding_find(library, "PyMem_GetAllocator");
    *(void **)&set = embedding_find(library, "PyMem_SetAllocator");
    const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    get(0, &own);
    set(0, &plain);
    for (int i = 0; i < 50 && !embedding_has_job(); i++)
        nanosleep(&pause, NULL);
    nanosleep(&pause, NULL);
    set(0, &own);
}

static int embedding_run(void *library, const char *script)
{
    void (*initialize)(int);
    void (*finalize)(void);
    int (*run)(const char *, void *);
    *(void **)&initialize = embedding_find(library, "Py_InitializeEx");
    *(void **)&finalize = embedding_find(library, "Py_Finalize");
    *(void **)&run = embedding_find(library, "PyRun_SimpleStringFlags");
    initialize(0);
    if (script[0] == '~')
        embedding_start_up(library);
    int r = run(script + (script[0] == '~'), NULL);
    finalize();
    return r;
}

/* What a server does that leaves its children to libc. */
static int embedding_fork(void)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        return 0;
    waitpid(child, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 3);
}

int main(int count, char **arguments)
{
    char line[16];
    if (!fgets(line, sizeof(line), stdin))
        return 2;
    void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 2;
    }
    int r = 0;
    for (int i = 2; i < count && r == 0; i++)
        r = strcmp(arguments[i], "-") == 0 ? embedding_fork()
                                           : embedding_run(library, arguments[i]);
    return r == 0 ? 0 : 1;
}
