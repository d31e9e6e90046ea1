/* SPDX-License-Identifier: MIT */
/*
 * CPU time per process of the readers of collect/, beside R = open + read + close of PID/statm in
 * plain C, over 1,000 idle children of this program. Rounds of all readers alternate, so that a
 * change of the machine's speed meets each of them; ratios are taken inside a round and their
 * median is printed, one JSON line per reader.
 */
#include "collect/proc_cgroup.h"
#include "collect/proc_rollup.h"
#include "collect/proc_stat.h"
#include "collect/proc_statm.h"
#include "collect/proc_status.h"
#include "collect/process_list.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROCESSES 1000
#define ROUNDS    21
/* Each child touches so much of its own, as a small service does. */
#define CHILD_BYTES (256 << 10)

static pid_t children[PROCESSES];
static struct process_list pids;
static int proc;

static double cpu_usec(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void child_idle(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    char *memory = malloc(CHILD_BYTES);
    if (memory)
        memset(memory, 1, CHILD_BYTES);
    for (;;)
        pause();
}

static int start_children(void)
{
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0)
            child_idle();
        if (children[i] < 0)
            return -1;
    }
    return 0;
}

static void end_children(void)
{
    for (int i = 0; i < PROCESSES && children[i] > 0; i++)
        kill(children[i], SIGKILL);
    for (int i = 0; i < PROCESSES && children[i] > 0; i++)
        waitpid(children[i], NULL, 0);
}

/* The readers: each reads every child once and says how many it could. */

static char raw_paths[PROCESSES][32];

static int read_raw(char (*paths)[32])
{
    int read_count = 0;
    for (int i = 0; i < PROCESSES; i++) {
        char text[256];
        int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        read_count += read(fd, text, sizeof(text)) > 0;
        close(fd);
    }
    return read_count;
}

static int read_statm(void)
{
    return read_raw(raw_paths);
}

static int read_list(void)
{
    return process_list_read(&pids) == 0 && pids.count >= PROCESSES ? PROCESSES : 0;
}

static int read_stat(void)
{
    int read_count = 0;
    struct proc_stat stat;
    for (int i = 0; i < PROCESSES; i++)
        read_count += proc_stat_read(proc, children[i], &stat) == OUTCOME_OK;
    return read_count;
}

/* Kept descriptors, as the fast pass has them. */
static int kept[PROCESSES];

static int read_kept(void)
{
    int read_count = 0;
    struct proc_statm statm;
    for (int i = 0; i < PROCESSES; i++)
        read_count += proc_statm_read(kept[i], &statm) == OUTCOME_OK;
    return read_count;
}

static int keep_children(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -1;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int i = 0; i < PROCESSES; i++)
        if (proc_statm_open(proc, children[i], &kept[i]) != OUTCOME_OK)
            return -1;
    return 0;
}

static int read_path_pass(void)
{
    return read_list() == PROCESSES ? read_stat() : 0;
}

static int read_slow_pass(void)
{
    int read_count = 0;
    struct proc_status status;
    for (int i = 0; i < PROCESSES; i++)
        read_count += proc_status_read(proc, children[i], &status) == OUTCOME_OK;
    return read_count;
}

static int read_cgroup(void)
{
    int read_count = 0;
    struct proc_cgroup cgroup;
    for (int i = 0; i < PROCESSES; i++)
        read_count += proc_cgroup_read(proc, children[i], &cgroup) == OUTCOME_OK;
    return read_count;
}

static int read_rollup(void)
{
    int read_count = 0;
    struct proc_rollup rollup;
    for (int i = 0; i < PROCESSES; i++)
        read_count += proc_rollup_read(proc, children[i], &rollup) == OUTCOME_OK;
    return read_count;
}

/* Bytes of PID/stat, unparsed: what of read_stat is the kernel's. */
static char raw_stat_paths[PROCESSES][32];

static int read_raw_stat(void)
{
    return read_raw(raw_stat_paths);
}

static const struct reader {
    const char *figure;
    int (*read)(void);
    double target; /* of the ratio to R; 0 = none, printed to compare */
} readers[] = {
    {"raw_statm", read_statm, 0},
    {"raw_stat", read_raw_stat, 0},
    {"list", read_list, 0},
    {"kept_statm", read_kept, 0.35},
    {"stat", read_stat, 1.6},
    {"list_and_stat", read_path_pass, 1.9},
    {"slow_pass", read_slow_pass, 0},
    {"cgroup_of_each", read_cgroup, 0},
    {"rollup_of_each", read_rollup, 0},
};

#define READERS (sizeof(readers) / sizeof(readers[0]))

static int measure(double usec[READERS][ROUNDS])
{
    for (int round = -1; round < ROUNDS; round++) { /* one to warm up */
        for (size_t i = 0; i < READERS; i++) {
            double begun = cpu_usec();
            if (readers[i].read() != PROCESSES) {
                fprintf(stderr, "%s: could not read every child\n", readers[i].figure);
                return -1;
            }
            if (round >= 0)
                usec[i][round] = (cpu_usec() - begun) / PROCESSES;
        }
    }
    return 0;
}

static void print_figure(size_t reader, double usec[READERS][ROUNDS])
{
    double ratio[ROUNDS], own[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        ratio[round] = usec[reader][round] / usec[0][round];
        own[round] = usec[reader][round];
    }
    qsort(ratio, ROUNDS, sizeof(ratio[0]), compare);
    qsort(own, ROUNDS, sizeof(own[0]), compare);
    printf("{\"bench\": \"collect\", \"figure\": \"%s\", \"processes\": %d, \"rounds\": %d, "
           "\"usec_per_process\": %.2f, \"ratio_to_raw\": %.2f",
           readers[reader].figure, PROCESSES, ROUNDS, own[ROUNDS / 2], ratio[ROUNDS / 2]);
    if (readers[reader].target > 0)
        printf(", \"target_ratio\": %.2f", readers[reader].target);
    printf("}\n");
}

int main(void)
{
    static double usec[READERS][ROUNDS];
    proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0 || process_list_init(&pids, proc, 65536) < 0) {
        perror("/proc");
        return 1;
    }
    int r = start_children();
    if (r < 0)
        perror("fork");
    for (int i = 0; i < PROCESSES; i++) {
        snprintf(raw_paths[i], sizeof(raw_paths[i]), "/proc/%d/statm", (int)children[i]);
        snprintf(raw_stat_paths[i], sizeof(raw_stat_paths[i]), "/proc/%d/stat", (int)children[i]);
    }
    if (r == 0)
        r = keep_children();
    if (r == 0)
        r = measure(usec);
    end_children();
    for (size_t i = 0; r == 0 && i < READERS; i++)
        print_figure(i, usec);
    process_list_finish(&pids);
    close(proc);
    return r == 0 ? 0 : 1;
}
