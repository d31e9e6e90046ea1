/* SPDX-License-Identifier: MIT */
/*
 * A C program whose malloc is to be judged from inside. First argument: what it does; then it says
 * "ready" and waits for a line.
 *
 *   threads    threads fill memory, keep little of it, and end
 *   fragments  the main thread keeps every tenth of many blocks
 *   churn      after the line: threads use malloc as hard as they can
 *   forks N    after the line: N children, each of which uses malloc; says how many never ended
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS       8
#define BLOCKS        2000
#define BLOCK_BYTES   ((size_t)6000)
#define CHILD_SECONDS 10

#ifdef WITHOUT_ATFORK
/* An allocator that asks for this at run time gets one that does nothing: it is as blind to forks
 * as where the C library exports none. */
int pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));
int pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    (void)prepare, (void)parent, (void)child;
    return 0;
}
#endif

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void *block_new(size_t size)
{
    void *block = malloc(size);
    if (!block)
        fail("malloc");
    memset(block, 1, size);
    return block;
}

static pthread_barrier_t filled;

/* All threads have filled their memory before one of them frees any. */
static void use_and_keep(size_t count, size_t every, bool together)
{
    void **blocks = block_new(count * sizeof(*blocks));
    for (size_t i = 0; i < count; i++)
        blocks[i] = block_new(BLOCK_BYTES);
    if (together)
        pthread_barrier_wait(&filled);
    for (size_t i = 0; i < count; i++)
        if (i % every != 0)
            free(blocks[i]);
    free(blocks);
}

static void *use_by_thread(void *unused)
{
    use_and_keep(BLOCKS, 100, true);
    return unused;
}

static void *churn(void *seed)
{
    void *blocks[BLOCKS] = {0};
    unsigned state = *(const unsigned *)seed;
    time_t end = time(NULL) + 2;
    while (time(NULL) < end) {
        for (size_t i = 0; i < BLOCKS; i++) {
            state = state * 1664525U + 1013904223U;
            size_t slot = (state >> 8) % BLOCKS;
            free(blocks[slot]);
            blocks[slot] = block_new((state >> 20) % 64 == 0 ? 200000 : (state >> 12) % 3000 + 1);
        }
    }
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    return NULL;
}

static void on_threads(void *(*body)(void *), void *argument)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&filled, NULL, THREADS);
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, body, argument) != 0)
            fail("pthread_create");
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void child_work(void)
{
    void *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = block_new(i % 300 * 40 + 16);
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    free(block_new((size_t)3 << 20));
    _exit(0);
}

/* Did the child end by itself? */
static int child_ended(pid_t child)
{
    struct timespec nap = {.tv_nsec = 200000};
    time_t end = time(NULL) + CHILD_SECONDS;
    while (time(NULL) < end) {
        if (waitpid(child, NULL, WNOHANG) == child)
            return 1;
        nanosleep(&nap, NULL);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return 0;
}

static void forks(int count)
{
    int hung = 0;
    for (int i = 0; i < count && hung == 0; i++) {
        void *blocks[400]; /* something for a trim to give back */
        for (size_t k = 0; k < 400; k++)
            blocks[k] = block_new(65536);
        for (size_t k = 0; k < 400; k++)
            free(blocks[k]);
        pid_t child = fork();
        if (child < 0)
            fail("fork");
        if (child == 0)
            child_work();
        hung += !child_ended(child);
    }
    printf("%d hung\n", hung);
}

int main(int count, char **arguments)
{
    unsigned seed = 1;
    char line[16];
    const char *what = count > 1 ? arguments[1] : "";
    if (strcmp(what, "threads") == 0)
        on_threads(use_by_thread, NULL);
    if (strcmp(what, "fragments") == 0)
        use_and_keep((size_t)THREADS * BLOCKS, 10, false);
    puts("ready");
    fflush(stdout);
    if (!fgets(line, sizeof(line), stdin))
        return 1;
    if (strcmp(what, "churn") == 0)
        on_threads(churn, &seed);
    if (strcmp(what, "forks") == 0 && count > 2)
        forks((int)strtol(arguments[2], NULL, 10));
    return 0;
}
