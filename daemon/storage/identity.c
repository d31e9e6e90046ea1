/* SPDX-License-Identifier: MIT */
#include "storage/identity.h"

#include "base/cleanup.h"
#include "storage/connection.h"
#include "storage/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The first page (sqlite.org/fileformat2.html 1.3): the header of the file and of the tree in which
 * the schema is. */
#define IDENTITY_HEAD_SIZE 108
enum {
    IDENTITY_VERSIONS = 18,  /* of who may write and who may read: 1 or 2 each */
    IDENTITY_FRACTIONS = 21, /* 64, 32, 32 */
    IDENTITY_FORMAT = 44,
    IDENTITY_ENCODING = 56,
    IDENTITY_USER_VERSION = 60,
    IDENTITY_APPLICATION = 68,
    IDENTITY_RESERVED = 72, /* 20 zeros */
    IDENTITY_TREE = 100,
    IDENTITY_CELLS = 103,
};

/* The log beside it (4.1). */
#define IDENTITY_LOG_HEAD_SIZE 32
#define IDENTITY_FRAME_SIZE    24
enum { IDENTITY_LOG_PAGE_SIZE = 8, IDENTITY_LOG_SALTS = 16, IDENTITY_FRAME_SALTS = 8 };

/* An id so near to ours is ours with flipped bits. */
#define IDENTITY_FLIPPED_BITS 3

static uint32_t identity_number(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool identity_is_sound(const uint8_t *head)
{
    static const uint8_t fractions[] = {64, 32, 32}, zeros[20] = {0};
    return memcmp(head, "SQLite format 3", 16) == 0 && head[IDENTITY_VERSIONS] - 1U < 2 &&
           head[IDENTITY_VERSIONS + 1] - 1U < 2 &&
           memcmp(head + IDENTITY_FRACTIONS, fractions, sizeof(fractions)) == 0 &&
           identity_number(head + IDENTITY_FORMAT) <= 4 &&
           identity_number(head + IDENTITY_ENCODING) <= 3 &&
           /* A tree of a table, a leaf or not: what a power cut left of a page has neither. */
           (head[IDENTITY_TREE] == 13 || head[IDENTITY_TREE] == 5) &&
           memcmp(head + IDENTITY_RESERVED, zeros, sizeof(zeros)) == 0;
}

static bool identity_is_ours(const uint8_t *head)
{
    uint32_t other = identity_number(head + IDENTITY_APPLICATION) ^ SCHEMA_APPLICATION_ID;
    return __builtin_popcount(other) <= IDENTITY_FLIPPED_BITS;
}

/* Nobody's: no table, no id, no version. */
static bool identity_is_empty(const uint8_t *head)
{
    return identity_number(head + IDENTITY_APPLICATION) == 0 &&
           identity_number(head + IDENTITY_USER_VERSION) == 0 && head[IDENTITY_TREE] == 13 &&
           head[IDENTITY_CELLS] == 0 && head[IDENTITY_CELLS + 1] == 0;
}

static bool identity_read(int fd, void *bytes, size_t size, off_t at)
{
    return pread(fd, bytes, size, at) == (ssize_t)size;
}

/* The first page as the log has it last; false: not at all. Whether its transaction was committed
 * does not matter: who writes there is who writes there. */
static bool identity_from_log(const char *path, uint8_t *head)
{
    char name[PATH_MAX + 8];
    uint8_t log[IDENTITY_LOG_HEAD_SIZE], frame[IDENTITY_FRAME_SIZE + IDENTITY_HEAD_SIZE];
    snprintf(name, sizeof(name), "%s-wal", path);
    _cleanup_(closep) int fd = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || !identity_read(fd, log, sizeof(log), 0))
        return false;
    uint32_t page = identity_number(log + IDENTITY_LOG_PAGE_SIZE);
    if (page < 512 || page > 65536)
        return false;
    bool found = false;
    for (off_t at = sizeof(log); identity_read(fd, frame, sizeof(frame), at);
         at += IDENTITY_FRAME_SIZE + (off_t)page) {
        if (memcmp(frame + IDENTITY_FRAME_SALTS, log + IDENTITY_LOG_SALTS, 8) != 0)
            break; /* from before the log began anew */
        if (identity_number(frame) == 1) {
            memcpy(head, frame + IDENTITY_FRAME_SIZE, IDENTITY_HEAD_SIZE);
            found = true;
        }
    }
    return found;
}

int identity_check(const char *path)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EINVAL;
    uint8_t head[IDENTITY_HEAD_SIZE];
    size_t length = 0;
    int r = connection_read_head(path, head, sizeof(head), &length);
    if (r < 0)
        return r;
    bool whole = length == sizeof(head);
    /* Damaged; or ours, whatever the log says. */
    if (whole ? identity_is_ours(head) || !identity_is_sound(head) : length > 0)
        return 0;
    /* Of a young database the log may have all there is. */
    if (!identity_from_log(path, head) && !whole)
        return 0;
    bool stranger = identity_is_sound(head) && !identity_is_ours(head) && !identity_is_empty(head);
    return stranger ? -EMEDIUMTYPE : 0;
}
