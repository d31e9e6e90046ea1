/* SPDX-License-Identifier: MIT */
/*
 * lookalike WHAT FILE: a program that is no Python, with memory that could be taken for pools:
 *   random  random bytes, and random numbers as small as those in heads of pools
 *   forged  400,000 heads, each number of which could be true, spread over malloc's heap
 *   pages   the same at the beginning of pages, with free blocks of other pools
 *   maps    good heads, but in shared memory and in a private mapping of FILE
 * Says "ready", ends when its standard input does.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB    ((size_t)1 << 20)
#define BYTES  (64 * MIB)
#define FORGED 400000

struct head {
    uint32_t count, padding;
    uint64_t free_block, next_pool, previous_pool;
    uint32_t arena, size_index, next_offset, max_next_offset;
};

static uint64_t state = 1;

/* xorshift64*: the same numbers in every run. */
static uint64_t draw(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(2685821657736338717);
}

static struct head make_head(uint32_t pool_bytes, uint64_t free_block)
{
    uint32_t size_index = (uint32_t)(draw() % 32), block = (size_index + 1) * 16;
    uint32_t capacity = (pool_bytes - 48) / block, carved = 1 + (uint32_t)(draw() % capacity);
    return (struct head){
        .count = (uint32_t)(draw() % carved),
        .free_block = free_block,
        .next_pool = free_block & ~UINT64_C(4095),
        .arena = (uint32_t)(draw() % 16),
        .size_index = size_index,
        .next_offset = 48 + carved * block,
        .max_next_offset = pool_bytes - block,
    };
}

static unsigned char *map(size_t bytes, int flags, int fd)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return memory;
}

static void make_random(void)
{
    unsigned char *memory = map(2 * BYTES, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    for (size_t i = 0; i < BYTES; i += 8) {
        uint64_t word = draw();
        memcpy(memory + i, &word, sizeof(word));
    }
    for (size_t i = BYTES; i < 2 * BYTES; i += 4) {
        uint32_t word = (uint32_t)(draw() % 4200);
        memcpy(memory + i, &word, sizeof(word));
    }
}

/* Objects of a program that happen to look so; some begin where a page does. */
static void *make_forged(void *unused)
{
    (void)unused;
    struct head *last = NULL;
    for (size_t i = 0; i < FORGED; i++) {
        struct head *head = malloc(sizeof(*head) + draw() % 64);
        if (!head)
            exit(1);
        *head = make_head(i % 2 ? 4096 : 16384, (uint64_t)(uintptr_t)last);
        last = head;
    }
    return NULL;
}

/* Memory of malloc's that is not called [heap]: the arena of a second thread. */
static void make_forged_arena(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, make_forged, NULL) != 0 || pthread_join(thread, NULL) != 0)
        exit(1);
}

/* As if another program's memory had been copied here, to another address. */
static void make_pages(void)
{
    unsigned char *memory = map(BYTES, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    for (size_t i = 0; i < BYTES; i += 4096) {
        unsigned char *page = memory + i;
        struct head head = make_head(i % 8192 ? 4096 : 16384, 0);
        uint32_t block = (head.size_index + 1) * 16;
        head.free_block =
            (uint64_t)(uintptr_t)page + 48 + (1 + i / 4096 % 9) * 65536 + draw() % 4 * block;
        memcpy(page, &head, sizeof(head));
    }
}

/* Not forged at all: only where they are says that they are none. */
static void fill_good(unsigned char *memory)
{
    for (size_t i = 0; i < BYTES / 4; i += 4096) {
        struct head head = make_head(4096, 0);
        head.free_block = (uint64_t)(uintptr_t)(memory + i) + 48;
        memcpy(memory + i, &head, sizeof(head));
    }
}

static void make_maps(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, BYTES / 4) < 0) {
        perror(path);
        exit(1);
    }
    fill_good(map(BYTES / 4, MAP_SHARED | MAP_ANONYMOUS, -1));
    fill_good(map(BYTES / 4, MAP_PRIVATE, fd));
    fill_good(map(BYTES / 4, MAP_SHARED, fd));
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    if (strcmp(argv[1], "random") == 0)
        make_random();
    else if (strcmp(argv[1], "forged") == 0)
        make_forged_arena();
    else if (strcmp(argv[1], "pages") == 0)
        make_pages();
    else if (strcmp(argv[1], "maps") == 0)
        make_maps(argv[2]);
    else
        return 2;
    char byte;
    if (write(STDOUT_FILENO, "ready\n", 6) != 6)
        return 1;
    return read(STDIN_FILENO, &byte, 1) < 0;
}
