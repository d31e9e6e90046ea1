/* SPDX-License-Identifier: MIT */
#include "engine/probe_jail.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "collect/proc_pagemap.h"
#include "wire/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void filter_releasep(scmp_filter_ctx *filter)
{
    if (*filter)
        seccomp_release(*filter);
}

/* System calls that pass whatever their arguments are. */
static const int jail_allowed[] = {
    SCMP_SYS(read), SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(newfstatat),
    SCMP_SYS(statx), SCMP_SYS(recvfrom), SCMP_SYS(sendto), SCMP_SYS(accept4), SCMP_SYS(getsockopt),
    SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(setitimer), SCMP_SYS(restart_syscall),
    SCMP_SYS(clock_gettime), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(geteuid),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(exit), SCMP_SYS(exit_group),
    /* The allocator, and what sanitizers put around it. */
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(madvise), SCMP_SYS(futex), SCMP_SYS(sched_yield),
    SCMP_SYS(sigaltstack),
    /* The scan for pools. Memory could be read through PID/mem just as well: no new power. */
    SCMP_SYS(process_vm_readv), SCMP_SYS(pread64), SCMP_SYS(readlinkat), SCMP_SYS(clock_nanosleep),
    SCMP_SYS(sysinfo)};

/* Those that pass when (argument & mask) == value. */
static const struct {
    int number;
    struct scmp_arg_cmp compare;
} jail_conditional[] = {
    {SCMP_SYS(openat), {2, SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY}},
    {SCMP_SYS(mmap), {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
    {SCMP_SYS(mprotect), {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
    {SCMP_SYS(write), {0, SCMP_CMP_EQ, STDERR_FILENO, 0}},
    /* Which pages are huge; the file is open for reading. */
    {SCMP_SYS(ioctl), {1, SCMP_CMP_EQ, PROC_PAGEMAP_SCAN, 0}},
};

static int jail_filter(void)
{
    _cleanup_(filter_releasep) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return -ENOMEM;
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(jail_allowed) / sizeof(jail_allowed[0]); i++)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, jail_allowed[i], 0, NULL);
    for (size_t i = 0; r == 0 && i < sizeof(jail_conditional) / sizeof(jail_conditional[0]); i++)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, jail_conditional[i].number, 1,
                                   &jail_conditional[i].compare);
    return r < 0 ? r : seccomp_load(filter);
}

/* Drop all but the wanted ones. Returns those that are left. */
static uint32_t jail_drop_capabilities(uint32_t wanted)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, data) < 0)
        return 0;
    uint32_t kept = data[0].permitted & wanted;
    memset(data, 0, sizeof(data));
    data[0].permitted = data[0].effective = kept;
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return syscall(SYS_capset, &header, data) == 0 ? kept : 0;
}

uint32_t probe_jail_enter(bool other_users)
{
    uint32_t rights = 0, wanted = UINT32_C(1) << CAP_SYS_PTRACE;
    if (other_users || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_DAC_READ_SEARCH, 0, 0) == 1)
        wanted |= UINT32_C(1) << CAP_DAC_READ_SEARCH;
    if (jail_drop_capabilities(wanted) & UINT32_C(1) << CAP_SYS_PTRACE)
        rights |= PROBE_RIGHT_PTRACE;
    /* After the capabilities: a change of rights makes a process dumpable no more, or again. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    int r = jail_filter();
    if (r == 0)
        rights |= PROBE_RIGHT_JAILED;
    else
        log_warning("probe: no system call filter here: %s", strerror(-r));
    return rights;
}
