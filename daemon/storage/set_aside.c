/* SPDX-License-Identifier: MIT */
#include "storage/set_aside.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Several in one second: numbered, and then something is wrong that a rename does not help. */
#define SET_ASIDE_TRIES 100

/* 2026-11-22T10:41:18.123Z -> 20261122T104118Z */
static void set_aside_stamp(uint64_t wall_usec, char *ret_stamp)
{
    char text[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(wall_usec, text);
    char *end = ret_stamp;
    for (const char *c = text; *c && *c != '.'; c++)
        if (*c != '-' && *c != ':')
            *end++ = *c;
    *end++ = 'Z';
    *end = '\0';
}

static int set_aside_name(int directory, const char *why, uint64_t wall_usec, char *ret_name)
{
    char stamp[24];
    set_aside_stamp(wall_usec, stamp);
    for (int i = 0; i < SET_ASIDE_TRIES; i++) {
        char number[16] = "";
        if (i > 0)
            snprintf(number, sizeof(number), "-%d", i);
        snprintf(ret_name, STORE_ASIDE_SIZE, STORE_FILE ".%s%s.%s", stamp, number, why);
        if (faccessat(directory, ret_name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
            return errno == ENOENT ? 0 : -errno;
    }
    return -EEXIST;
}

int set_aside(const char *directory, const char *why, uint64_t wall_usec,
              char ret_name[static STORE_ASIDE_SIZE])
{
    _cleanup_(closep) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    char name[STORE_ASIDE_SIZE];
    int r = set_aside_name(fd, why, wall_usec, name);
    if (r < 0)
        return r;
    /* The log before the database: a log left behind would be taken for the fresh file's. */
    static const char *const suffixes[] = {"-shm", "-wal", ""};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        char from[STORE_ASIDE_SIZE], to[STORE_ASIDE_SIZE + 8];
        snprintf(from, sizeof(from), STORE_FILE "%s", suffixes[i]);
        snprintf(to, sizeof(to), "%s%s", name, suffixes[i]);
        if (renameat(fd, from, fd, to) < 0 && errno != ENOENT)
            return -errno;
    }
    if (fsync(fd) < 0)
        return -errno;
    memcpy(ret_name, name, sizeof(name));
    return 0;
}

int set_aside_link(const char *directory, const char *why, uint64_t wall_usec,
                   char ret_name[static STORE_ASIDE_SIZE])
{
    _cleanup_(closep) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    char name[STORE_ASIDE_SIZE];
    int r = set_aside_name(fd, why, wall_usec, name);
    if (r < 0)
        return r;
    if (linkat(fd, STORE_FILE, fd, name, 0) < 0)
        return -errno;
    memcpy(ret_name, name, sizeof(name));
    return 0;
}
