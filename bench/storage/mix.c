/* SPDX-License-Identifier: MIT */
#include "bench/storage/mix.h"

#include "base/cleanup.h"
#include "bench/storage/trace.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { RSS, ANON, FILES, SHMEM, SWAP, PSS, VSIZE, CPU }; /* the order of trace.h */

#define PAGE_KIB   4
#define PSS_EVERY  10 /* seconds between two deep readings of one process */
#define CLOCK_MSEC 10 /* CPU time moves in clock ticks */

struct maker {
    uint64_t random;
    int64_t value[TRACE_METRICS];
    int64_t base;       /* of a sawtooth: what remains after a collection */
    int64_t step;       /* what is allocated a second, KiB */
    unsigned period;    /* seconds between two events of this process */
    unsigned shift;     /* so that not all do it at once */
    unsigned share_pss; /* of file pages, in percent */
};

static uint64_t maker_random(struct maker *maker)
{
    maker->random ^= maker->random << 13;
    maker->random ^= maker->random >> 7;
    maker->random ^= maker->random << 17;
    return maker->random;
}

static int64_t maker_below(struct maker *maker, uint64_t limit)
{
    return (int64_t)((maker_random(maker) >> 11) % limit);
}

static bool maker_chance(struct maker *maker, unsigned permille)
{
    return maker_below(maker, 1000) < permille;
}

static void maker_burn(struct maker *maker, unsigned permille, unsigned clocks)
{
    if (maker_chance(maker, permille))
        maker->value[CPU] += CLOCK_MSEC * (1 + maker_below(maker, clocks));
}

static void maker_allocate(struct maker *maker, int64_t kib)
{
    maker->value[ANON] += kib / PAGE_KIB * PAGE_KIB;
    if (maker->value[ANON] < 64)
        maker->value[ANON] = 64;
    /* Address space is taken by the MiB, and kept. */
    while (maker->value[VSIZE] < maker->value[ANON] + maker->value[FILES] + (16 << 10))
        maker->value[VSIZE] += 1 << 10;
}

static void behave_idle(struct maker *maker, unsigned second)
{
    (void)second;
    maker_burn(maker, 12, 1);
    if (maker_chance(maker, 1))
        maker_allocate(maker, maker_chance(maker, 500) ? PAGE_KIB : -PAGE_KIB);
}

/* A service that now and then takes or gives back something large. */
static void behave_steps(struct maker *maker, unsigned second)
{
    maker_burn(maker, 60, 3);
    if ((second + maker->shift) % maker->period == 0)
        maker_allocate(maker, maker_chance(maker, 600) ? maker->step * 16 : -maker->step * 15);
}

static void behave_growth(struct maker *maker, unsigned second)
{
    (void)second;
    maker_burn(maker, 650, 2);
    if (maker_chance(maker, 550))
        maker_allocate(maker, PAGE_KIB * (1 + maker_below(maker, 4)));
}

/* Garbage grows until the collector runs. */
static void behave_sawtooth(struct maker *maker, unsigned second)
{
    maker_burn(maker, 750, 3);
    if ((second + maker->shift) % maker->period == 0)
        maker_allocate(maker, maker->base - maker->value[ANON]);
    else if (maker_chance(maker, 760))
        maker_allocate(maker, maker->step + PAGE_KIB * maker_below(maker, 8));
}

/* Requests come in bursts; between them little happens. */
static void behave_bursty(struct maker *maker, unsigned second)
{
    bool burst = (second + maker->shift) % maker->period < maker->period * 5 / 6;
    maker_burn(maker, burst ? 850 : 100, 12);
    if (maker_chance(maker, burst ? 700 : 40))
        maker_allocate(maker, PAGE_KIB * (maker_below(maker, 512) - 250));
    if (maker_chance(maker, burst ? 250 : 10))
        maker->value[FILES] += PAGE_KIB * (maker_below(maker, 32) + 1);
    if (maker->value[FILES] > (64 << 10)) /* the kernel dropped clean pages */
        maker->value[FILES] = 16 << 10;
    if (maker_chance(maker, 20))
        maker->value[SHMEM] = PAGE_KIB * maker_below(maker, 256);
    if (maker->value[ANON] > (512 << 10))
        maker_allocate(maker, -(256 << 10));
}

static const struct behaviour {
    void (*second)(struct maker *maker, unsigned second);
} behaviours[] = {
    {behave_idle}, {behave_steps}, {behave_growth}, {behave_sawtooth}, {behave_bursty}};

#define BEHAVIOURS (sizeof(behaviours) / sizeof(behaviours[0]))

static const struct mix {
    const char *name;
    unsigned percent[BEHAVIOURS];
} mixes[] = {
    {"quiet", {62, 12, 10, 10, 6}},
    {"noisy", {10, 20, 20, 25, 25}},
};

static const struct mix *mix_find(const char *name)
{
    for (size_t i = 0; i < sizeof(mixes) / sizeof(mixes[0]); i++)
        if (strcmp(mixes[i].name, name) == 0)
            return &mixes[i];
    return NULL;
}

/* Of 100 processes that follow each other exactly as many as the mix says, not one block each. */
static const struct behaviour *mix_behaviour(const struct mix *mix, size_t process)
{
    unsigned place = (unsigned)(process * 37 % 100); /* 37 has no common factor with 100 */
    size_t i = 0;
    while (place >= mix->percent[i])
        place -= mix->percent[i++];
    return &behaviours[i];
}

/* splitmix64: neighbouring seeds must not give neighbouring streams. */
static uint64_t mix_seed(uint64_t seed, uint64_t process)
{
    uint64_t z = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) + process * UINT64_C(0xd1342543de82ef95);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) | 1;
}

static void maker_init(struct maker *maker, uint64_t seed, size_t process)
{
    *maker = (struct maker){.random = mix_seed(seed, process)};
    maker->base = PAGE_KIB * (1024 + maker_below(maker, 30000));
    maker->step = PAGE_KIB * (8 + maker_below(maker, 60));
    maker->period = (unsigned)(40 + maker_below(maker, 260));
    maker->shift = (unsigned)maker_below(maker, 300);
    maker->share_pss = (unsigned)(20 + maker_below(maker, 60));
    maker->value[FILES] = PAGE_KIB * (500 + maker_below(maker, 4000));
    maker->value[SWAP] = maker_chance(maker, 200) ? PAGE_KIB * maker_below(maker, 2000) : 0;
    maker->value[CPU] = CLOCK_MSEC * maker_below(maker, 100000);
    maker_allocate(maker, maker->base);
}

static void maker_finish_second(struct maker *maker, size_t process, unsigned second)
{
    int64_t *value = maker->value;
    value[RSS] = value[ANON] + value[FILES] + value[SHMEM];
    if (second == 0 || (second + process) % PSS_EVERY == 0)
        value[PSS] = value[ANON] + value[FILES] * maker->share_pss / 100 + value[SHMEM] / 2;
}

static void mix_process(const struct mix *mix, uint64_t seed, size_t process, size_t seconds,
                        int64_t *ret_values)
{
    struct maker maker;
    maker_init(&maker, seed, process);
    const struct behaviour *behaviour = mix_behaviour(mix, process);
    for (unsigned second = 0; second < seconds; second++) {
        behaviour->second(&maker, second);
        maker_finish_second(&maker, process, second);
        for (size_t i = 0; i < TRACE_METRICS; i++)
            ret_values[i * seconds + second] = (int64_t)htole64((uint64_t)maker.value[i]);
    }
}

int mix_generate(const char *name, const char *path, size_t processes, size_t seconds,
                 uint64_t seed, struct error *error)
{
    const struct mix *mix = mix_find(name);
    if (!mix)
        return error_set(error, -EINVAL, "no mix '%s'; there are quiet and noisy", name);
    size_t count = TRACE_METRICS * seconds;
    _cleanup_(freep) int64_t *values = calloc(count, sizeof(*values));
    if (!values)
        return error_set(error, -ENOMEM, "no memory");
    _cleanup_(fclosep) FILE *file = fopen(path, "we");
    if (!file)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    for (size_t process = 0; process < processes; process++) {
        mix_process(mix, seed, process, seconds, values);
        if (fwrite(values, sizeof(*values), count, file) != count)
            return error_set(error, -EIO, "%s: %s", path, strerror(errno));
    }
    if (fflush(file) != 0)
        return error_set(error, -EIO, "%s: %s", path, strerror(errno));
    return 0;
}
