/* SPDX-License-Identifier: MIT */
/*
 * The anchor R of every sampling figure: CPU time per process of open + read + close of
 * PID/statm, in plain C, over the pids given on standard input, one a line.
 * usage: bench_raw ROUNDS [PAUSE_MSEC] < PIDS      prints the median in nanoseconds
 * With a pause between the rounds the caches are as cold as for a monitor that ticks.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define RAW_PIDS 32768

static double cpu_nsec(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void read_all(char (*paths)[32], size_t count)
{
    char text[256];
    for (size_t i = 0; i < count; i++) {
        int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (read(fd, text, sizeof(text)) < 0)
            perror(paths[i]);
        close(fd);
    }
}

int main(int argc, char **argv)
{
    static char paths[RAW_PIDS][32];
    static double nsec[1000];
    size_t count = 0;
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 9, pid;
    int pause_msec = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;
    if (rounds < 1 || rounds > 1000 || pause_msec < 0 || pause_msec > 10000)
        return 2;
    while (count < RAW_PIDS && scanf("%d", &pid) == 1)
        snprintf(paths[count++], sizeof(paths[0]), "/proc/%d/statm", pid);
    if (count == 0)
        return 2;
    for (int i = 0; i < rounds; i++) {
        double begun = cpu_nsec();
        read_all(paths, count);
        nsec[i] = (cpu_nsec() - begun) / (double)count;
        usleep((useconds_t)pause_msec * 1000);
    }
    qsort(nsec, (size_t)rounds, sizeof(nsec[0]), compare);
    printf("%.0f\n", nsec[rounds / 2]);
    return 0;
}
