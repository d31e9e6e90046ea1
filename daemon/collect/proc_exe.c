/* SPDX-License-Identifier: MIT */
#include "collect/proc_exe.h"

#include "collect/proc_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum outcome proc_exe_read(int proc, pid_t pid, struct proc_exe *ret_exe)
{
    char path[PROC_PATH_SIZE];
    proc_path(pid, "exe", path);
    struct statx status;
    /* The file may lie on a network that does not answer: take what the kernel knows already. */
    int flags = AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;
    if (statx(proc, path, flags, STATX_INO, &status) < 0)
        return outcome_of_process(-errno);
    *ret_exe = (struct proc_exe){.device = makedev(status.stx_dev_major, status.stx_dev_minor),
                                 .inode = status.stx_ino};
    return OUTCOME_OK;
}
