/* SPDX-License-Identifier: MIT */
#include "solo_place.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * What a container writes counts against its limits: on a tmpfs of memory, elsewhere of ephemeral
 * storage. This is some weeks of a dozen processes.
 */
static const char solo_config[] = "[Store]\nMaxSize=64MiB\n";

/* ---- is a directory fit? ---- */

/* Nobody else can have put something there for us, and we can write. */
static bool is_ours(int directory)
{
    struct stat status;
    return fstat(directory, &status) == 0 && status.st_uid == geteuid() &&
           !(status.st_mode & (S_IWGRP | S_IWOTH)) &&
           faccessat(directory, ".", W_OK, AT_EACCESS) == 0;
}

/* The agents' directory of a daemon outside may be mounted here: its socket is not ours to touch.
 */
static bool has_foreign_agents(int directory)
{
    struct stat own, agents;
    return fstat(directory, &own) == 0 &&
           fstatat(directory, "agent", &agents, AT_SYMLINK_NOFOLLOW) == 0 &&
           own.st_dev != agents.st_dev;
}

static bool is_free(int directory)
{
    _cleanup_(closep) int lock = -1;
    return file_lock(directory, "lock", &lock) == 0;
}

static bool is_fit(const char *path, mode_t mode)
{
    struct stat status;
    /* A link could lead anywhere, and one in /tmp could be anybody's. */
    if (lstat(path, &status) == 0 && !S_ISDIR(status.st_mode))
        return false;
    if (file_make_directories(path, mode) < 0)
        return false;
    _cleanup_(closep) int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return directory >= 0 && is_ours(directory) && !has_foreign_agents(directory) &&
           is_free(directory);
}

static bool is_fit_runtime(const struct place *place)
{
    char socket[PLACE_SOCKET_SIZE];
    return place->state != 0 &&
           place_path(place, "agent/control.sock", socket, sizeof(socket)) == 0 &&
           is_fit(place->directory, 0755);
}

/* ---- choosing ---- */

/* All known ones are taken, as by another daemon of this user: one that only its agents will know.
 */
static bool make_another(struct place *place)
{
    const char *base = getenv("TMPDIR");
    int length = snprintf(place->directory, sizeof(place->directory), "%s/memtend-XXXXXX",
                          base && base[0] == '/' ? base : "/tmp");
    return length < (int)sizeof(place->directory) && mkdtemp(place->directory) &&
           chmod(place->directory, 0755) == 0;
}

/* The first fit one of the usual places, in the order of the command line, which finds it there. */
static const struct place *choose_known(const struct places *places)
{
    /* But a daemon of root lives in the system's directory. */
    const struct place *last = &places->items[places->count - 1];
    if (geteuid() == 0 && is_fit_runtime(last))
        return last;
    for (size_t i = 0; i < places->count; i++)
        if (is_fit_runtime(&places->items[i]))
            return &places->items[i];
    return NULL;
}

static bool choose_temporary(struct place *place)
{
    for (size_t i = 0; place_temporary(i, place) == 0; i++)
        if (is_fit_runtime(place))
            return true;
    return make_another(place);
}

static int choose_runtime(const struct invocation *invocation, struct place *ret_place)
{
    struct places places;
    int r = place_list(invocation, &places);
    if (r < 0) {
        say("the name of the runtime directory is too long");
        return r;
    }
    const struct place *known = choose_known(&places);
    if (known)
        *ret_place = *known;
    if (known || (!places.named && choose_temporary(ret_place)))
        return 0;
    if (!places.named)
        return -ENOENT;
    say("%s is not usable for a daemon: not writable, not this user's, too long, or in use",
        places.items[0].directory);
    return -EACCES;
}

static int choose_state(const struct invocation *invocation, struct solo_place *place)
{
    int r = place_state_directory(invocation, &place->runtime, place->state, sizeof(place->state));
    if (r == 0 && is_fit(place->state, 0700))
        return 0;
    if (invocation->option[OPTION_STATE_DIR]) {
        say("%s is not usable for a daemon: not writable, not this user's, or in use",
            invocation->option[OPTION_STATE_DIR]);
        return -EACCES;
    }
    return place_path(&place->runtime, "state", place->state, sizeof(place->state));
}

/* ---- configuration ---- */

static bool is_directory(const char *base, const char *rest)
{
    char path[PATH_MAX];
    struct stat status;
    return base && snprintf(path, sizeof(path), "%s%s", base, rest) < (int)sizeof(path) &&
           stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Where the daemon looks by itself (memtendd --help). */
static bool is_configured(void)
{
    const char *base = getenv("XDG_CONFIG_HOME");
    if (geteuid() == 0)
        return is_directory("/etc", "/memtend");
    return base && *base ? is_directory(base, "/memtend")
                         : is_directory(getenv("HOME"), "/.config/memtend");
}

static int make_config(const struct invocation *invocation, struct solo_place *place)
{
    place->config[0] = '\0';
    if (is_configured() || invocation->option[OPTION_STATE_DIR])
        return 0;
    _cleanup_(closep) int directory =
        open(place->runtime.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = directory < 0 ? -errno
                          : file_write_whole(directory, "solo.conf", 0644, solo_config,
                                             sizeof(solo_config) - 1);
    if (r == 0)
        return place_path(&place->runtime, "solo.conf", place->config, sizeof(place->config));
    say("cannot write into %s: %s", place->runtime.directory, strerror(-r));
    return r;
}

int solo_place_choose(const struct invocation *invocation, struct solo_place *ret_place)
{
    struct solo_place place = {0};
    int r = choose_runtime(invocation, &place.runtime);
    if (r == 0)
        r = choose_state(invocation, &place);
    if (r == 0)
        r = make_config(invocation, &place);
    if (r == 0)
        r = place_path(&place.runtime, "log", place.log, sizeof(place.log));
    if (r == 0)
        *ret_place = place;
    return r;
}
