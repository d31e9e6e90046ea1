/* SPDX-License-Identifier: MIT */
#include "engine/exits.h"

#include "base/cleanup.h"
#include "collect/proc_stat.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

/* Of linux/pidfd.h, which Debian 12 does not have. The kernel takes any size it knows. */
struct exits_info {
    uint64_t mask;
    uint64_t cgroup_id;
    uint32_t pid, tgid, ppid;
    uint32_t ids[8]; /* ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid */
    int32_t exit_code;
};

_Static_assert(sizeof(struct exits_info) == 64, "as the kernel's first version");

#define EXITS_INFO_EXIT (UINT64_C(1) << 3)
#define EXITS_GET_INFO  _IOWR(0xff, 11, struct exits_info)

void exits_init(struct exits *exits, int proc_fd)
{
    *exits = (struct exits){.proc_fd = proc_fd};
}

void exits_finish(struct exits *exits)
{
    for (size_t i = 0; i < exits->count; i++)
        close(exits->watches[i].pidfd);
    exits->count = 0;
}

static struct exits_watch *exits_find(struct exits *exits, struct process_id id)
{
    for (size_t i = 0; i < exits->count; i++)
        if (process_id_equal(exits->watches[i].id, id))
            return &exits->watches[i];
    return NULL;
}

int exits_add(struct exits *exits, struct process_id id)
{
    if (exits->unsupported)
        return -EOPNOTSUPP;
    if (exits_find(exits, id))
        return -EEXIST;
    if (exits->count == EXITS_LIMIT)
        return -ENOSPC;
    _cleanup_(closep) int pidfd = (int)syscall(SYS_pidfd_open, id.pid, 0);
    if (pidfd < 0)
        return -errno;
    /* The start time is read behind the open: it is that of the process of the descriptor, or the
     * pid has been given out anew and it is another one. */
    struct proc_stat stat;
    if (proc_stat_read(exits->proc_fd, id.pid, &stat) != OUTCOME_OK ||
        !process_id_equal(stat.id, id))
        return -ESRCH;
    exits->watches[exits->count++] = (struct exits_watch){.id = id, .pidfd = STEAL_FD(pidfd)};
    return 0;
}

static int exits_status(int pidfd, int *ret_status)
{
    struct exits_info info = {.mask = EXITS_INFO_EXIT};
    if (ioctl(pidfd, EXITS_GET_INFO, &info) < 0)
        return -errno;
    if (!(info.mask & EXITS_INFO_EXIT))
        return -ESRCH;
    *ret_status = info.exit_code;
    return 0;
}

int exits_take(struct exits *exits, struct process_id id, int *ret_status)
{
    struct exits_watch *watch = exits_find(exits, id);
    if (exits->unsupported || !watch)
        return exits->unsupported ? -EOPNOTSUPP : -ENOENT;
    _cleanup_(closep) int pidfd = watch->pidfd;
    *watch = exits->watches[--exits->count];
    int status = 0, r = exits_status(pidfd, &status);
    if (r < 0) {
        /* It has no such call, knows nothing of ended ones, or does not keep how they ended. */
        exits->unsupported = true;
        exits_finish(exits);
        return r;
    }
    *ret_status = status;
    return 0;
}
