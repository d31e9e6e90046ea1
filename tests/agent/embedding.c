/* SPDX-License-Identifier: MIT */
/*
 * A C program with a guest: loads a libpython long after it began, for itself alone, and runs one
 * interpreter after another in it.
 * usage: embedding LIBPYTHON SCRIPT...     one interpreter a script; "-": fork, go on as child
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
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

static int embedding_run(void *library, const char *script)
{
    void (*initialize)(int);
    void (*finalize)(void);
    int (*run)(const char *, void *);
    *(void **)&initialize = embedding_find(library, "Py_InitializeEx");
    *(void **)&finalize = embedding_find(library, "Py_Finalize");
    *(void **)&run = embedding_find(library, "PyRun_SimpleStringFlags");
    initialize(0);
    int r = run(script, NULL);
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
