/* SPDX-License-Identifier: MIT */
/*
 * A /proc that hides the processes of other users: what is read of them is denied or gone, never
 * made up. In a mount namespace of its own, as another user.
 */
#include "collect/proc_pages.h"
#include "collect/proc_rollup.h"
#include "collect/proc_stat.h"
#include "collect/process_list.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static struct proc_pages pages;

static void visit(void *context, const struct mapping *mapping)
{
    (void)mapping;
    ++*(size_t *)context;
}

/* Line of the check that failed; 0: none did. */
static int look(int proc, pid_t other, enum outcome stat_expected, enum outcome deep_expected)
{
    struct process_list list;
    struct proc_stat stat;
    struct proc_rollup rollup;
    size_t visited = 0;
    bool listed = false;
    if (proc_stat_read(proc, other, &stat) != stat_expected)
        return __LINE__;
    if (proc_rollup_read(proc, other, &rollup) != deep_expected)
        return __LINE__;
    if (proc_smaps_walk(proc, other, visit, &visited) != deep_expected || visited > 0)
        return __LINE__;
    pages.cursor = 0;
    if (proc_pages_walk(proc, other, &pages, visit, &visited) != deep_expected || visited > 0)
        return __LINE__;
    /* Of itself it sees everything. */
    if (proc_smaps_walk(proc, getpid(), visit, &visited) != OUTCOME_OK || visited == 0)
        return __LINE__;
    if (process_list_init(&list, proc, 100000) < 0 || process_list_read(&list) < 0)
        return __LINE__;
    for (size_t i = 0; i < list.count; i++)
        listed |= list.pids[i] == other;
    process_list_finish(&list);
    return listed == (stat_expected != OUTCOME_GONE) ? 0 : __LINE__;
}

/* A child of another user on a /proc with this option; its exit status: 0, 77, or 1. */
static int try(const char *folder, const char *option, enum outcome stat_expected,
               enum outcome deep_expected)
{
    pid_t child = fork();
    if (child == 0) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("proc", folder, "proc", 0, option) < 0)
            _exit(77);
        int proc = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
            _exit(77);
        /* Another user makes a process one that is not to be looked into, even by itself. */
        char *arguments[] = {"self", "--look", NULL, NULL, NULL, NULL, NULL};
        char number[4][16];
        const int values[] = {proc, getppid(), (int)stat_expected, (int)deep_expected};
        for (size_t i = 0; i < 4; i++) {
            snprintf(number[i], sizeof(number[i]), "%d", values[i]);
            arguments[2 + i] = number[i];
        }
        fcntl(proc, F_SETFD, 0);
        execv("/proc/self/exe", arguments);
        _exit(77);
    }
    int status = 1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
    if (argc == 6) {
        long values[4];
        for (size_t i = 0; i < 4; i++)
            values[i] = strtol(argv[2 + i], NULL, 10);
        int line = look((int)values[0], (pid_t)values[1], (enum outcome)values[2],
                        (enum outcome)values[3]);
        if (line > 0)
            fprintf(stderr, "%s:%d: not as expected\n", __FILE__, line);
        return line > 0;
    }
    char folder[] = "/tmp/memtend-hidepid-XXXXXX";
    if (!mkdtemp(folder) || chmod(folder, 0755) < 0)
        return 1;
    int hidden = try(folder, "hidepid=2", OUTCOME_GONE, OUTCOME_GONE);
    int closed = try(folder, "hidepid=1", OUTCOME_DENIED, OUTCOME_DENIED);
    rmdir(folder);
    if (hidden == 77 || closed == 77) {
        puts("SKIP: no mount namespaces, or no other user to be, here");
        return 77;
    }
    return hidden || closed;
}
