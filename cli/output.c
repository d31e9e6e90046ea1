/* SPDX-License-Identifier: MIT */
#include "output.h"

#include "base/cleanup.h"
#include "interrupt.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUTPUT_BUFFER_BYTES 65536 /* a pipe takes as much at once */
/* The names of the store's own files begin so. */
#define OUTPUT_GUARDED "memtend."

enum exit_code output_fail(const struct output *output, int error)
{
    if (error != -EINTR)
        say("cannot write %s: %s", output->name, strerror(-error));
    return error == -EACCES || error == -EPERM ? EXIT_CODE_PERMISSION : EXIT_CODE_FAILED;
}

static enum exit_code output_refuse(const char *path, const char *why)
{
    say("%s %s", path, why);
    return EXIT_CODE_FAILED;
}

/* The directory a file is in; dirname(3) changes what it is given. */
static void output_directory(const char *path, char ret_directory[static PATH_MAX])
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof(copy), "%s", path);
    snprintf(ret_directory, PATH_MAX, "%s", dirname(copy));
}

static bool output_is_guarded(const struct output_request *request)
{
    char directory[PATH_MAX], copy[PATH_MAX];
    struct stat there, state;
    output_directory(request->path, directory);
    snprintf(copy, sizeof(copy), "%s", request->path);
    return stat(directory, &there) == 0 && stat(request->state_directory, &state) == 0 &&
           there.st_dev == state.st_dev && there.st_ino == state.st_ino &&
           strncmp(basename(copy), OUTPUT_GUARDED, strlen(OUTPUT_GUARDED)) == 0;
}

/* A second name of memtend.db is memtend.db. */
static bool output_is_database(const struct output_request *request, const struct stat *there)
{
    char path[PATH_MAX];
    struct stat database;
    int length = snprintf(path, sizeof(path), "%s/memtend.db", request->state_directory);
    return length > 0 && (size_t)length < sizeof(path) && stat(path, &database) == 0 &&
           there->st_dev == database.st_dev && there->st_ino == database.st_ino;
}

/* What stands at the place of a file that is to come. */
static enum exit_code output_check(const struct output_request *request)
{
    struct stat there;
    if (output_is_guarded(request))
        return output_refuse(request->path, "is the daemon's own");
    if (stat(request->path, &there) == 0) {
        if (S_ISDIR(there.st_mode))
            return output_refuse(request->path, "is a directory");
        if (output_is_database(request, &there))
            return output_refuse(request->path, "is the daemon's own database");
        if (!S_ISREG(there.st_mode))
            return output_refuse(request->path, "is not a plain file");
    }
    if (lstat(request->path, &there) < 0 || request->replace)
        return EXIT_CODE_OK;
    say("%s is there already", request->path);
    say_try("--force, to replace it");
    return EXIT_CODE_FAILED;
}

/* Pipes and devices have no whole, so they take it as it comes. */
static bool output_is_stream(const char *path)
{
    struct stat there;
    return stat(path, &there) == 0 && (S_ISFIFO(there.st_mode) || S_ISCHR(there.st_mode));
}

static enum exit_code output_open_stream(struct output *output)
{
    output->fd = open(output->name, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    return output->fd < 0 ? output_fail(output, -errno) : EXIT_CODE_OK;
}

static enum exit_code output_open_file(const struct output_request *request, struct output *output)
{
    enum exit_code code = output_check(request);
    if (code != EXIT_CODE_OK)
        return code;
    char directory[PATH_MAX];
    output_directory(request->path, directory);
    int length =
        snprintf(output->temporary, sizeof(output->temporary), "%s/.memtend-XXXXXX", directory);
    if (length < 0 || (size_t)length >= sizeof(output->temporary))
        output->fd = -ENAMETOOLONG;
    else
        output->fd = mkostemp(output->temporary, O_CLOEXEC);
    if (output->fd >= 0)
        return EXIT_CODE_OK;
    int error = output->fd == -ENAMETOOLONG ? -ENAMETOOLONG : -errno;
    output->fd = -1;
    output->temporary[0] = '\0';
    return output_fail(output, error);
}

enum exit_code output_open(const struct output_request *request, struct output *ret_output)
{
    struct output output = {.fd = -1, .replace = request->replace};
    bool standard = !request->path || strcmp(request->path, "-") == 0;
    if (!standard && (!*request->path || strlen(request->path) >= sizeof(output.name))) {
        say("FILE is empty or too long");
        return EXIT_CODE_USAGE;
    }
    snprintf(output.name, sizeof(output.name), "%s", standard ? "the output" : request->path);
    buffer_init(&output.bytes, OUTPUT_BUFFER_BYTES);
    enum exit_code code = EXIT_CODE_OK;
    if (standard && request->plain_only) {
        say("a database cannot be written to standard output");
        code = EXIT_CODE_USAGE;
    } else if (standard)
        output.fd = STDOUT_FILENO;
    else if (!request->plain_only && output_is_stream(request->path))
        code = output_open_stream(&output);
    else
        code = output_open_file(request, &output);
    *ret_output = output;
    return code;
}

static int output_write_through(struct output *output, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(output->fd, bytes, size);
        if (interrupt_pending())
            return -EINTR;
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0) {
            bytes += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

static int output_flush(struct output *output)
{
    int r = output_write_through(output, output->bytes.data, output->bytes.size);
    output->bytes.size = 0;
    return r;
}

int output_write(struct output *output, const void *bytes, size_t size)
{
    if (output->bytes.size + size > OUTPUT_BUFFER_BYTES) {
        int r = output_flush(output);
        if (r < 0)
            return r;
    }
    if (size > OUTPUT_BUFFER_BYTES)
        return output_write_through(output, bytes, size);
    return buffer_append(&output->bytes, bytes, size);
}

static int output_sync_directory(const struct output *output)
{
    char directory[PATH_MAX];
    output_directory(output->name, directory);
    _cleanup_(closep) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    return fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
}

/* Somebody else may have made a file of this name meanwhile. */
static int output_rename(const struct output *output)
{
    unsigned flags = output->replace ? 0 : RENAME_NOREPLACE;
    int r = renameat2(AT_FDCWD, output->temporary, AT_FDCWD, output->name, flags);
    if (r < 0 && errno == EINVAL && flags != 0) { /* a file system that cannot say so */
        r = link(output->temporary, output->name);
        return r < 0 ? -errno : unlink(output->temporary) < 0 ? -errno : 0;
    }
    return r < 0 ? -errno : 0;
}

enum exit_code output_finish(struct output *output)
{
    int r = output_flush(output);
    if (r == 0 && output->temporary[0] && fsync(output->fd) < 0)
        r = -errno;
    if (r == 0 && output->temporary[0])
        r = output_rename(output);
    if (r == 0 && output->temporary[0]) {
        output->temporary[0] = '\0';
        r = output_sync_directory(output);
    }
    return r < 0 ? output_fail(output, r) : EXIT_CODE_OK;
}

void output_abandon(struct output *output)
{
    if (output->temporary[0])
        unlink(output->temporary);
    output->temporary[0] = '\0';
    if (output->fd > STDERR_FILENO)
        close(output->fd);
    output->fd = -1;
    buffer_finish(&output->bytes);
}
