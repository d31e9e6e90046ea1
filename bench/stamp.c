/* SPDX-License-Identifier: MIT */
/*
 * Built twice for bench_agent.py. Libraries of LD_PRELOAD are initialised from the last to the
 * first, so `stamp_behind.so : library : stamp_before.so` reads the clock just before and just
 * behind the constructor of the library between them. The second writes the nanoseconds to
 * standard output.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

extern long long stamp_before_nsec;

#ifdef STAMP_BEHIND

__attribute__((constructor)) static void stamp(void)
{
    struct timespec now;
    char text[32];
    clock_gettime(CLOCK_MONOTONIC, &now);
    int length = snprintf(text, sizeof(text), "%lld\n",
                          now.tv_sec * 1000000000LL + now.tv_nsec - stamp_before_nsec);
    if (write(STDOUT_FILENO, text, (size_t)length) != length)
        _exit(1);
}

#else

long long stamp_before_nsec;

__attribute__((constructor)) static void stamp(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    stamp_before_nsec = now.tv_sec * 1000000000LL + now.tv_nsec;
}

#endif
