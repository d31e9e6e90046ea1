/* SPDX-License-Identifier: MIT */
#include "engine/paths.h"

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#define PATHS_TOKEN_FILE "token"
#define PATHS_LOCK_FILE  "lock"

/* sun_path with its NUL: longer socket paths do not exist. */
#define PATHS_SOCKET_LIMIT (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

static int paths_join(char ret_path[static CONFIG_PATH_SIZE], const char *first, const char *second,
                      struct error *error)
{
    int n = snprintf(ret_path, CONFIG_PATH_SIZE, "%s%s", first, second);
    if (n < 0 || (size_t)n >= CONFIG_PATH_SIZE)
        return error_set(error, -ENAMETOOLONG, "path too long: %.100s%s", first, second);
    return 0;
}

/* $XDG_STATE_HOME, else ~/.local/state (XDG Base Directory Specification 0.8). */
static int paths_state_home(char ret_path[static CONFIG_PATH_SIZE], struct error *error)
{
    const char *home = getenv("XDG_STATE_HOME");
    if (home && home[0] == '/')
        return paths_join(ret_path, home, "", error);
    home = getenv("HOME");
    if (!home || home[0] != '/')
        return error_set(error, -ENOENT, "HOME is not set: give --state-dir and --runtime-dir");
    return paths_join(ret_path, home, "/.local/state", error);
}

/* The default directory of user or root; what the environment and config say comes first. */
static int paths_state_directory(const struct config *config,
                                 char ret_path[static CONFIG_PATH_SIZE], struct error *error)
{
    const char *given = getenv("STATE_DIRECTORY"); /* systemd.exec(5) */
    if (config->state_directory[0])
        return paths_join(ret_path, config->state_directory, "", error);
    if (given && given[0] == '/')
        return paths_join(ret_path, given, "", error);
    if (geteuid() == 0)
        return paths_join(ret_path, "/var/lib/memtend", "", error);
    char home[CONFIG_PATH_SIZE];
    int r = paths_state_home(home, error);
    return r < 0 ? r : paths_join(ret_path, home, "/memtend", error);
}

static int paths_runtime_directory(const struct config *config,
                                   char ret_path[static CONFIG_PATH_SIZE], struct error *error)
{
    const char *given = getenv("MEMTEND_RUNTIME_DIR");
    if (config->runtime_directory[0])
        return paths_join(ret_path, config->runtime_directory, "", error);
    if (given && given[0])
        return paths_join(ret_path, given, "", error);
    if (geteuid() == 0)
        return paths_join(ret_path, "/run/memtend", "", error);
    given = getenv("XDG_RUNTIME_DIR");
    if (given && given[0] == '/')
        return paths_join(ret_path, given, "/memtend", error);
    char home[CONFIG_PATH_SIZE];
    int r = paths_state_home(home, error);
    return r < 0 ? r : paths_join(ret_path, home, "/memtend/run", error);
}

static int paths_socket(char ret_path[static CONFIG_PATH_SIZE], const char *directory,
                        const char *name, struct error *error)
{
    int r = paths_join(ret_path, directory, name, error);
    if (r < 0)
        return r;
    if (strlen(ret_path) > PATHS_SOCKET_LIMIT)
        return error_set(error, -ENAMETOOLONG,
                         "socket path longer than %zu bytes: %.100s…; give a shorter --runtime-dir",
                         PATHS_SOCKET_LIMIT, ret_path);
    return 0;
}

/* Where everybody may put files, what we find or leave there may be anybody's. */
static int paths_check_directory(int directory, const char *path, struct error *error)
{
    struct stat status;
    if (fstat(directory, &status) < 0)
        return error_set(error, -errno, "cannot look at %s: %s", path, strerror(errno));
    if ((status.st_mode & S_IWOTH) && !(status.st_mode & S_ISVTX))
        return error_set(error, -EPERM,
                         "every user may write into %s: take that right away (chmod o-w)", path);
    return 0;
}

static int paths_lock(const char *path, mode_t mode, int *ret_fd, struct error *error)
{
    int r = file_make_directories(path, mode);
    if (r < 0)
        return error_set(error, r, "cannot make %s: %s", path, strerror(-r));
    _cleanup_(closep) int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return error_set(error, -errno, "cannot open %s: %s", path, strerror(errno));
    r = paths_check_directory(directory, path, error);
    if (r < 0)
        return r;
    r = file_lock(directory, PATHS_LOCK_FILE, ret_fd);
    if (r == -EWOULDBLOCK)
        return error_set(error, r,
                         "another memtendd uses %s; stop it, or give other directories with "
                         "--state-dir and --runtime-dir",
                         path);
    if (r < 0)
        return error_set(error, r, "cannot lock %s/%s: %s", path, PATHS_LOCK_FILE, strerror(-r));
    return 0;
}

/* A secret that others can read, or that they have put there, is none. -ENOENT: not there. */
static int paths_check_token(int directory, const char *state, struct error *error)
{
    struct stat status;
    if (fstatat(directory, PATHS_TOKEN_FILE, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? -ENOENT
                               : error_set(error, -errno, "cannot look at %s/token: %s", state,
                                           strerror(errno));
    const char *wrong = NULL;
    if (!S_ISREG(status.st_mode))
        wrong = "is not a plain file";
    else if (status.st_uid != geteuid() && status.st_uid != 0)
        wrong = "belongs to another user";
    else if (status.st_mode & (S_IRWXG | S_IRWXO))
        wrong = "is open to other users";
    if (wrong)
        return error_set(error, -EPERM, "%s/token %s; remove it and start again to make a new one",
                         state, wrong);
    return 0;
}

static int paths_token(const char *state, char ret_token[static PATHS_TOKEN_SIZE],
                       struct error *error)
{
    _cleanup_(closep) int directory = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return error_set(error, -errno, "cannot open %s: %s", state, strerror(errno));
    char text[PATHS_TOKEN_SIZE + 8];
    size_t length;
    int r = paths_check_token(directory, state, error);
    if (r < 0 && r != -ENOENT)
        return r;
    if (r == 0)
        r = file_read_at(directory, PATHS_TOKEN_FILE, text, sizeof(text), &length);
    if (r == -ENOENT) {
        r = digest_random_hex((PATHS_TOKEN_SIZE - 1) / 2, ret_token);
        if (r == 0)
            r = file_write_whole(directory, PATHS_TOKEN_FILE, 0600, ret_token,
                                 PATHS_TOKEN_SIZE - 1);
        return r < 0 ? error_set(error, r, "cannot make %s/token: %s", state, strerror(-r)) : 0;
    }
    if (r < 0)
        return error_set(error, r, "cannot read %s/token: %s", state, strerror(-r));
    text[strcspn(text, "\r\n")] = '\0';
    /* A shorter secret than ours could be guessed; somebody truncated or edited the file. */
    if (strlen(text) != PATHS_TOKEN_SIZE - 1)
        return error_set(error, -EINVAL,
                         "%s/token is not a token of 64 digits; remove the file "
                         "and start again to make a new one",
                         state);
    text_copy(ret_token, PATHS_TOKEN_SIZE, text);
    return 0;
}

/* The same directory may serve as both; it is locked once. */
static bool paths_are_one(const char *a, const char *b)
{
    struct stat status_a, status_b;
    return stat(a, &status_a) == 0 && stat(b, &status_b) == 0 &&
           status_a.st_dev == status_b.st_dev && status_a.st_ino == status_b.st_ino;
}

static int paths_fill(const struct config *config, struct paths *paths, struct error *error)
{
    char agent[CONFIG_PATH_SIZE];
    int r = paths_state_directory(config, paths->state, error);
    if (r == 0)
        r = paths_runtime_directory(config, paths->runtime, error);
    if (r == 0)
        r = paths_socket(paths->http_socket, paths->runtime, "/http.sock", error);
    if (r == 0)
        r = paths_socket(paths->agent_socket, paths->runtime, "/agent/control.sock", error);
    if (r == 0)
        r = paths_socket(paths->probe_socket, paths->runtime, "/probe.sock", error);
    if (r == 0)
        r = paths_lock(paths->state, 0700, &paths->state_lock, error);
    /* Others must reach agent/ below it: the sockets have modes of their own. */
    if (r == 0 && !paths_are_one(paths->state, paths->runtime))
        r = paths_lock(paths->runtime, 0755, &paths->runtime_lock, error);
    if (r == 0)
        r = paths_join(agent, paths->runtime, "/agent", error);
    if (r == 0) {
        r = file_make_directories(agent, 0755);
        if (r < 0)
            error_set(error, r, "cannot make %s: %s", agent, strerror(-r));
    }
    return r < 0 ? r : paths_token(paths->state, paths->token, error);
}

int paths_open(const struct config *config, struct paths *ret_paths, struct error *error)
{
    struct paths paths = {.state_lock = -1, .runtime_lock = -1};
    int r = paths_fill(config, &paths, error);
    if (r < 0) {
        paths_close(&paths);
        return r;
    }
    *ret_paths = paths;
    return 0;
}

void paths_close(struct paths *paths)
{
    closep(&paths->state_lock);
    closep(&paths->runtime_lock);
    paths->state_lock = paths->runtime_lock = -1;
}
