/* SPDX-License-Identifier: MIT */
#include "collect/process_list.h"

#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

/* 2,700 pids a call. Only what a call fills is touched, so small hosts pay for little of it. */
#define PROCESS_LIST_BUFFER_BYTES ((size_t)64 * 1024)

int process_list_init(struct process_list *list, int proc, size_t limit)
{
    int directory = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return -errno;
    *list = (struct process_list){
        .directory = directory,
        .buffer = malloc(PROCESS_LIST_BUFFER_BYTES),
        .pids = calloc(limit, sizeof(*list->pids)),
        .limit = limit,
    };
    if (list->buffer && list->pids)
        return 0;
    process_list_finish(list);
    return -ENOMEM;
}

void process_list_finish(struct process_list *list)
{
    if (list->limit == 0)
        return;
    close(list->directory);
    free(list->buffer);
    free(list->pids);
    *list = (struct process_list){.directory = -1};
}

/* -1 for every name that is not a pid. */
static pid_t process_list_pid(const char *name)
{
    uint64_t pid;
    if (name[0] < '1' || name[0] > '9' || text_parse_u64(name, &pid) < 0 || pid > INT32_MAX)
        return -1;
    return (pid_t)pid;
}

static void process_list_take(struct process_list *list, size_t length)
{
    for (size_t at = 0; at < length;) {
        const struct dirent64 *entry = (const struct dirent64 *)(const void *)(list->buffer + at);
        at += entry->d_reclen;
        pid_t pid = process_list_pid(entry->d_name);
        if (pid < 0)
            continue;
        if (list->count == list->limit) {
            list->cut = true;
            return;
        }
        list->pids[list->count++] = pid;
    }
}

static int pid_compare(const void *a, const void *b)
{
    pid_t left = *(const pid_t *)a, right = *(const pid_t *)b;
    return (left > right) - (left < right);
}

/* The kernel lists them in order; a recorded tree on a disk does not. */
static void process_list_sort(struct process_list *list)
{
    for (size_t i = 1; i < list->count; i++) {
        if (list->pids[i - 1] < list->pids[i])
            continue;
        qsort(list->pids, list->count, sizeof(*list->pids), pid_compare);
        return;
    }
}

int process_list_read(struct process_list *list)
{
    if (lseek(list->directory, 0, SEEK_SET) < 0)
        return -errno;
    size_t count_before = list->count;
    list->count = 0;
    list->cut = false;
    for (;;) {
        ssize_t n = getdents64(list->directory, list->buffer, PROCESS_LIST_BUFFER_BYTES);
        if (n < 0) {
            list->count = count_before;
            return -errno;
        }
        process_list_take(list, (size_t)n);
        if (n == 0 || list->cut)
            break;
    }
    process_list_sort(list);
    return 0;
}
