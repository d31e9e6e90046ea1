/* SPDX-License-Identifier: MIT */
/*
 * Many light processes, forked without exec; they end with this one, and this one at the end of
 * its standard input.
 * usage: crowd rest COUNT    so many that sleep; says "ready COUNT", fewer when it may have no more
 *        crowd churn RATE    so many a second that live for up to a second; says "forked COUNT"
 * last
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define CROWD_MOST     32768
#define CROWD_RATE_MAX 2000
#define TURN_MSEC      10
#define LIVES          8 /* lengths of lives, each so much longer than the one before */
#define LIFE_NSEC      120000000L

static bool live(long nsec)
{
    pid_t parent = getpid(), child = fork();
    if (child != 0)
        return child > 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    if (nsec < 0)
        pause();
    nanosleep(&(struct timespec){.tv_nsec = nsec}, NULL);
    _exit(0);
}

static bool goes_on(int msec)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&input, 1, msec) <= 0;
}

static void rest(long count)
{
    long started = 0;
    while (started < count && live(-1))
        started++;
    printf("ready %ld\n", started);
    fflush(stdout);
    while (goes_on(-1))
        continue;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* What a late turn has missed is made up for, but not without end. */
static void churn(long rate)
{
    double last = seconds(), due = 0;
    unsigned long forked = 0;
    while (goes_on(TURN_MSEC)) {
        double now = seconds();
        due += (now - last) * (double)rate;
        last = now;
        for (due = due > (double)rate ? (double)rate : due; due >= 1; due--)
            forked += live((long)(forked % LIVES) * LIFE_NSEC);
    }
    printf("forked %lu\n", forked);
}

int main(int argc, char **argv)
{
    long number = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    signal(SIGCHLD, SIG_IGN);
    if (number > 0 && number <= CROWD_MOST && strcmp(argv[1], "rest") == 0)
        rest(number);
    else if (number > 0 && number <= CROWD_RATE_MAX && strcmp(argv[1], "churn") == 0)
        churn(number);
    else
        return 2;
    return 0;
}
