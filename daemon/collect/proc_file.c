/* SPDX-License-Identifier: MIT */
#include "collect/proc_file.h"

#include "base/file.h"

#include <string.h>

void proc_path(pid_t pid, const char *file, char ret_path[static PROC_PATH_SIZE])
{
    char digits[12];
    size_t count = 0;
    unsigned rest = (unsigned)pid;
    do {
        digits[count++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    size_t at = 0;
    while (count > 0)
        ret_path[at++] = digits[--count];
    ret_path[at++] = '/';
    memcpy(ret_path + at, file, strlen(file) + 1);
}

enum outcome proc_file_read(int proc, pid_t pid, const char *file, char *buffer, size_t size,
                            size_t *ret_length)
{
    char path[PROC_PATH_SIZE];
    proc_path(pid, file, path);
    return outcome_of_process(file_read_at(proc, path, buffer, size, ret_length));
}
