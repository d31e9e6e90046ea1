/* SPDX-License-Identifier: MIT */
#include "collect/proc_exe.h"

#include "base/text.h"
#include "collect/proc_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

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

enum outcome proc_exe_name(int proc, pid_t pid, char ret_name[static PROC_EXE_NAME_SIZE])
{
    char path[PROC_PATH_SIZE], target[PATH_MAX];
    proc_path(pid, "exe", path);
    ssize_t length = readlinkat(proc, path, target, sizeof(target) - 1);
    if (length < 0)
        return outcome_of_process(-errno);
    target[length] = '\0';
    const char *slash = strrchr(target, '/');
    text_copy(ret_name, PROC_EXE_NAME_SIZE, slash ? slash + 1 : target);
    return OUTCOME_OK;
}
