/* SPDX-License-Identifier: MIT */
/*
 * bench_prober MIB: a process with so much memory in pages of 4 KiB, a fortieth of which comes and
 * goes each second, and a thread in it that maps, touches and unmaps 64 KiB again and again and
 * notes how long each turn took. Part of bench_stall.py. Says "ready"; "begin" on standard input
 * forgets all turns so far, "end" tells of those since in a line of JSON; ends with its input.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MIB        ((size_t)1 << 20)
#define TURN_BYTES (64 * (size_t)1024)
/* Between two turns, so that the prober leaves the core to others and waits less for it itself. */
#define PAUSE_NSEC  100000L
#define WINDOW_USEC 100000
/* Buckets of a sixteenth of a power of two, up to 16 s. */
#define BUCKETS (24 * 16)

struct turns {
    uint64_t count, slowest_nsec, buckets[BUCKETS];
};

static struct {
    pthread_mutex_t lock;
    struct turns turns, windows; /* each turn; the slowest of each 100 ms */
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER};

static size_t bytes;
static unsigned char *memory;

static uint64_t now_nsec(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void turns_add(struct turns *turns, uint64_t nsec)
{
    uint64_t usec = nsec / 1000;
    size_t power = usec > 0 ? (size_t)(63 - __builtin_clzll(usec)) : 0;
    size_t part = power >= 4 ? (size_t)(usec >> (power - 4)) & 15 : 0;
    size_t bucket = power * 16 + part;
    turns->buckets[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
    turns->count++;
    turns->slowest_nsec = nsec > turns->slowest_nsec ? nsec : turns->slowest_nsec;
}

/* Microseconds that so many permille took at most. */
static uint64_t turns_quantile(const struct turns *turns, uint64_t permille)
{
    uint64_t left = turns->count * permille / 1000;
    for (size_t i = 0; i < BUCKETS; i++) {
        if (turns->buckets[i] > left)
            return (UINT64_C(1) << i / 16) + ((i % 16 + 1) * (UINT64_C(1) << i / 16) + 15) / 16;
        left -= turns->buckets[i];
    }
    return turns->slowest_nsec / 1000;
}

static void *prober(void *context)
{
    uint64_t window = now_nsec(), worst = 0;
    for (;;) {
        struct timespec pause = {.tv_nsec = PAUSE_NSEC};
        uint64_t begun = now_nsec();
        unsigned char *piece =
            mmap(NULL, TURN_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (piece == MAP_FAILED)
            return context;
        piece[0] = 1;
        munmap(piece, TURN_BYTES);
        uint64_t ended = now_nsec();
        worst = ended - begun > worst ? ended - begun : worst;
        pthread_mutex_lock(&seen.lock);
        turns_add(&seen.turns, ended - begun);
        if (ended - window > WINDOW_USEC * UINT64_C(1000)) {
            turns_add(&seen.windows, worst);
            window = ended;
            worst = 0;
        }
        pthread_mutex_unlock(&seen.lock);
        nanosleep(&pause, NULL);
    }
}

/* Memory that comes and goes is what makes a monitor look closer. */
static void *breathe(void *context)
{
    for (;;) {
        struct timespec pause = {.tv_sec = 1};
        memset(memory, 1, bytes / 40);
        nanosleep(&pause, NULL);
        madvise(memory, bytes / 40, MADV_DONTNEED);
        nanosleep(&pause, NULL);
    }
    return context;
}

static void tell(void)
{
    pthread_mutex_lock(&seen.lock);
    printf("{\"turns\": %lu, \"p50_usec\": %lu, \"p99_usec\": %lu, \"window_p99_usec\": %lu, "
           "\"max_usec\": %lu}\n",
           seen.turns.count, turns_quantile(&seen.turns, 500), turns_quantile(&seen.turns, 990),
           turns_quantile(&seen.windows, 990), seen.turns.slowest_nsec / 1000);
    pthread_mutex_unlock(&seen.lock);
}

static void forget(void)
{
    pthread_mutex_lock(&seen.lock);
    seen.turns = seen.windows = (struct turns){0};
    pthread_mutex_unlock(&seen.lock);
}

int main(int argc, char **argv)
{
    char line[16];
    pthread_t thread;
    bytes = (argc > 1 ? strtoul(argv[1], NULL, 10) : 64) * MIB;
    memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == 0 || memory == MAP_FAILED)
        return 1;
    madvise(memory, bytes, MADV_NOHUGEPAGE);
    memset(memory, 1, bytes);
    if (pthread_create(&thread, NULL, prober, NULL) != 0 ||
        pthread_create(&thread, NULL, breathe, NULL) != 0)
        return 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    while (fgets(line, sizeof(line), stdin)) {
        if (strcmp(line, "begin\n") == 0)
            forget();
        else
            tell();
    }
    return 0;
}
