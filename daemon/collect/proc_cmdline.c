/* SPDX-License-Identifier: MIT */
#include "collect/proc_cmdline.h"

#include "collect/proc_file.h"

enum outcome proc_cmdline_read(int proc, pid_t pid, char *buffer, size_t size, size_t *ret_length)
{
    return proc_file_read(proc, pid, "cmdline", buffer, size, ret_length);
}
