/* SPDX-License-Identifier: MIT */
/*
 * Checks that need no daemon: the kernel and the rights of the caller.
 */
#include "checkup.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "collect/cgroup_mount.h"
#include "collect/meminfo.h"
#include "collect/pressure.h"
#include "collect/proc_rollup.h"
#include "collect/proc_stat.h"
#include "collect/proc_status.h"
#include "collect/process_list.h"

#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define CHECKUP_PROCESSES 32768

/* pidfd_open(2), without which a later process could be taken for the one that was meant. */
#define KERNEL_MAJOR 5
#define KERNEL_MINOR 3

static void check_version(struct checkup *checkup)
{
    struct utsname name;
    uint64_t major = 0, minor = 0;
    size_t used = 0;
    if (uname(&name) < 0 || text_scan_u64(name.release, strlen(name.release), &major, &used) < 0 ||
        name.release[used] != '.' ||
        text_scan_u64(name.release + used + 1, strlen(name.release + used + 1), &minor, &used) < 0)
        checkup_add(checkup, "kernel", "version", FINDING_WARNING,
                    "the kernel's version is not known");
    else if (major > KERNEL_MAJOR || (major == KERNEL_MAJOR && minor >= KERNEL_MINOR))
        checkup_add(checkup, "kernel", "version", FINDING_OK, "Linux %s", name.release);
    else {
        checkup_add(checkup, "kernel", "version", FINDING_FAILURE,
                    "Linux %s is older than %d.%d and has no pidfd_open", name.release,
                    KERNEL_MAJOR, KERNEL_MINOR);
        checkup_fix(checkup, "update the kernel");
    }
}

static void check_pressure(struct checkup *checkup, int proc)
{
    struct sample host = {0};
    if (pressure_read(proc, 0, &host) == OUTCOME_OK) {
        checkup_add(checkup, "kernel", "psi", FINDING_OK, "memory pressure (PSI) is measured");
        return;
    }
    checkup_add(checkup, "kernel", "psi", FINDING_WARNING,
                "no memory pressure (PSI): rules and pages do without psi.*");
    checkup_fix(checkup, "boot with psi=1 on the kernel's command line");
}

static void check_cgroup(struct checkup *checkup)
{
    static const struct {
        enum finding finding;
        const char *text, *fix; /* NULL: nothing to mend */
    } kinds[CGROUP_KIND_COUNT] = {
        [CGROUP_KIND_V2] = {FINDING_OK,
                            "cgroup v2 counts memory: limits of services and containers are seen",
                            NULL},
        [CGROUP_KIND_V1] = {FINDING_WARNING,
                            "cgroup v1 counts memory: limits are seen, but not the pressure in a "
                            "group, and none can be asked to give memory back (memory.reclaim)",
                            "boot with systemd.unified_cgroup_hierarchy=1"},
        [CGROUP_KIND_V2_NO_MEMORY] = {FINDING_WARNING,
                                      "cgroup v2 without its memory controller: no limit is seen, "
                                      "headroom is that of the machine",
                                      "boot with cgroup_enable=memory, without "
                                      "cgroup_disable=memory"},
        [CGROUP_KIND_NONE] = {FINDING_WARNING,
                              "no control group hierarchy is mounted: no limit is seen, nor which "
                              "service or container a process belongs to",
                              "mount -t cgroup2 none /sys/fs/cgroup"},
    };
    _cleanup_(closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct cgroup_mounts mounts;
    cgroup_mounts_find(root, "/proc/self/mountinfo", &mounts);
    checkup_add(checkup, "kernel", "cgroup", kinds[mounts.kind].finding, "%s",
                kinds[mounts.kind].text);
    if (kinds[mounts.kind].fix)
        checkup_fix(checkup, "%s", kinds[mounts.kind].fix);
    cgroup_mounts_finish(&mounts);
}

static void check_memory(struct checkup *checkup, int proc)
{
    struct sample host = {0};
    int64_t total = 0, swap = 0;
    char total_text[TEXT_BYTES_SIZE], swap_text[TEXT_BYTES_SIZE];
    if (meminfo_read(proc, 0, &host) != OUTCOME_OK) {
        checkup_add(checkup, "kernel", "memory", FINDING_FAILURE, "/proc/meminfo is not readable");
        checkup_fix(checkup, "mount -t proc proc /proc");
        return;
    }
    sample_get(&host, METRIC_MEM_TOTAL, &total);
    sample_get(&host, METRIC_SWAP_TOTAL, &swap);
    text_format_bytes(total, total_text);
    text_format_bytes(swap, swap_text);
    checkup_add(checkup, "kernel", "memory", FINDING_OK, "%s of memory, %s%s", total_text,
                swap > 0 ? swap_text : "no", " swap");
}

void checkup_kernel(struct checkup *checkup)
{
    _cleanup_(closep) int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check_version(checkup);
    check_pressure(checkup, proc);
    check_cgroup(checkup);
    check_memory(checkup, proc);
}

/* A process of another user, to try our rights on; 0: none. */
static pid_t find_other(int proc, const struct process_list *list)
{
    uid_t uid = geteuid();
    for (size_t i = 0; i < list->count; i++) {
        struct proc_stat stat;
        struct proc_status status;
        pid_t pid = list->pids[i];
        if (proc_stat_read(proc, pid, &stat) != OUTCOME_OK)
            continue;
        if (stat.kernel_thread || stat.state == 'Z' || stat.rss_bytes == 0)
            continue;
        if (proc_status_read(proc, pid, &status) == OUTCOME_OK && status.uid != uid)
            return pid;
    }
    return 0;
}

static void check_rollup(struct checkup *checkup, int proc, pid_t other)
{
    struct proc_rollup rollup;
    if (other == 0) {
        checkup_add(checkup, "rights", "pss", FINDING_OK,
                    "no process of another user is seen here");
        return;
    }
    switch (proc_rollup_read(proc, other, &rollup)) {
    case OUTCOME_OK:
        checkup_add(checkup, "rights", "pss", FINDING_OK,
                    "PSS and USS of other users' processes are readable");
        break;
    case OUTCOME_GONE:
        checkup_add(checkup, "rights", "pss", FINDING_OK,
                    "PSS and USS could not be tried just now");
        break;
    default:
        checkup_add(checkup, "rights", "pss", FINDING_WARNING,
                    "you may not read PSS and USS of other users' processes; only RSS of them");
        checkup_fix(checkup, "%s",
                    geteuid() == 0 ? "start the container with --cap-add SYS_PTRACE"
                                   : "sudo memtend doctor, or let the service memtendd see them");
        break;
    }
}

void checkup_rights(struct checkup *checkup)
{
    _cleanup_(closep) int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct process_list list;
    if (geteuid() == 0)
        checkup_add(checkup, "rights", "user", FINDING_OK, "you are root");
    else
        checkup_add(checkup, "rights", "user", FINDING_OK, "you are uid %u", (unsigned)geteuid());
    if (proc < 0 || process_list_init(&list, proc, CHECKUP_PROCESSES) < 0) {
        checkup_add(checkup, "rights", "pss", FINDING_FAILURE, "/proc is not readable");
        checkup_fix(checkup, "mount -t proc proc /proc");
        return;
    }
    if (process_list_read(&list) == 0)
        check_rollup(checkup, proc, find_other(proc, &list));
    process_list_finish(&list);
}
