/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/*
 * A read shorter than this is the last one: seq_file hands out whole records up to a page at a
 * time, and no record we read is longer than half a page. Saves the second read that returns 0.
 */
#define FILE_SHORT_READ 2048

static int file_read_fd(int fd, char *buffer, size_t size, size_t *ret_length)
{
    size_t length = 0;
    while (length < size - 1) {
        ssize_t n = read(fd, buffer + length, size - 1 - length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        length += (size_t)n;
        if (n < FILE_SHORT_READ)
            break;
    }
    buffer[length] = '\0';
    *ret_length = length;
    return 0;
}

int file_read_at(int directory, const char *path, char *buffer, size_t size, size_t *ret_length)
{
    _cleanup_(closep) int fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    return file_read_fd(fd, buffer, size, ret_length);
}

static int file_read_stream(FILE *stream, size_t limit, char **ret_text, size_t *ret_length)
{
    size_t capacity = 4096, length = 0;
    _cleanup_(freep) char *text = malloc(capacity);
    while (text) {
        length += fread(text + length, 1, capacity - length, stream);
        if (ferror(stream))
            return -EIO;
        if (length < capacity)
            break;
        if (capacity > limit)
            return -EFBIG;
        capacity *= 2;
        char *larger = realloc(text, capacity);
        if (!larger)
            return -ENOMEM;
        text = larger;
    }
    if (!text)
        return -ENOMEM;
    if (length > limit)
        return -EFBIG;
    text[length] = '\0';
    *ret_length = length;
    *ret_text = STEAL(text);
    return 0;
}

int file_read_all(const char *path, size_t limit, char **ret_text, size_t *ret_length)
{
    _cleanup_(fclosep) FILE *stream = fopen(path, "re");
    if (!stream)
        return -errno;
    return file_read_stream(stream, limit, ret_text, ret_length);
}

static int file_write_fd(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        data += n;
        size -= (size_t)n;
    }
    return fsync(fd) < 0 ? -errno : 0;
}

int file_write_whole(int directory, const char *name, mode_t mode, const void *data, size_t size)
{
    char temporary[256];
    int n = snprintf(temporary, sizeof(temporary), "%s.new-%d", name, (int)getpid());
    if (n < 0 || (size_t)n >= sizeof(temporary))
        return -ENAMETOOLONG;
    _cleanup_(closep) int fd =
        openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return -errno;
    int r = file_write_fd(fd, data, size);
    if (r == 0 && renameat(directory, temporary, directory, name) < 0)
        r = -errno;
    if (r < 0) {
        unlinkat(directory, temporary, 0);
        return r;
    }
    _cleanup_(closep) int sync = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return sync >= 0 && fsync(sync) < 0 ? -errno : 0;
}

int file_make_directories(const char *path, mode_t mode)
{
    _cleanup_(freep) char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    for (char *slash = copy + 1; slash[-1]; slash++) {
        char separator = *slash;
        if (separator != '/' && separator != '\0')
            continue;
        *slash = '\0';
        if (mkdir(copy, mode) < 0 && errno != EEXIST)
            return -errno;
        *slash = separator;
        if (separator == '\0')
            break;
    }
    struct stat status;
    if (stat(path, &status) < 0)
        return -errno;
    return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
}

int file_lock(int directory, const char *name, int *ret_fd)
{
    _cleanup_(closep) int fd =
        openat(directory, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return -errno;
    *ret_fd = STEAL_FD(fd);
    return 0;
}
