/* SPDX-License-Identifier: MIT */
#include "place.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* The program may change its directory, so a relative path is made absolute at once. */
static int place_add(struct places *places, const char *base, const char *rest)
{
    char cwd[PATH_MAX] = "";
    struct place *place = &places->items[places->count];
    if (base[0] != '/' && !getcwd(cwd, sizeof(cwd)))
        return -errno;
    int length = snprintf(place->directory, sizeof(place->directory), "%s%s%s%s", cwd,
                          base[0] == '/' ? "" : "/", base, rest);
    if (length >= (int)sizeof(place->directory))
        return -ENAMETOOLONG;
    places->count++;
    return 0;
}

static const char *place_variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static int place_add_user(struct places *places)
{
    const char *runtime = place_variable("XDG_RUNTIME_DIR");
    const char *state = place_variable("XDG_STATE_HOME");
    const char *home = place_variable("HOME");
    int r = runtime ? place_add(places, runtime, "/memtend") : 0;
    if (r == 0 && state)
        return place_add(places, state, "/memtend/run");
    if (r == 0 && home)
        return place_add(places, home, "/.local/state/memtend/run");
    return r;
}

int place_temporary(size_t index, struct place *ret_place)
{
    /* A container with a read-only root still has the last of them. */
    static const char *const bases[] = {"/tmp", "/var/tmp", "/dev/shm"};
    if (index >= sizeof(bases) / sizeof(bases[0]))
        return -ENOENT;
    ret_place->state = -ENOENT;
    snprintf(ret_place->directory, sizeof(ret_place->directory), "%s/memtend-%u", bases[index],
             (unsigned)geteuid());
    return 0;
}

/* Anybody may make a directory of this name there: only our own counts. */
static int place_add_temporary(struct places *places)
{
    struct place place;
    struct stat status;
    int r = 0;
    for (size_t i = 0; r == 0 && place_temporary(i, &place) == 0; i++)
        if (lstat(place.directory, &status) == 0 && S_ISDIR(status.st_mode) &&
            status.st_uid == geteuid())
            r = place_add(places, place.directory, "");
    return r;
}

int place_probe(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, length + 1);
    /* Non-blocking: a daemon that does not accept counts as one that does not answer. */
    _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

int place_path(const struct place *place, const char *name, char *ret_path, size_t size)
{
    int length = snprintf(ret_path, size, "%s/%s", place->directory, name);
    return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

int place_list(const struct invocation *invocation, struct places *ret_places)
{
    const char *named = invocation->option[OPTION_RUNTIME_DIR];
    if (!named || !*named)
        named = place_variable("MEMTEND_RUNTIME_DIR");
    struct places *places = ret_places;
    memset(places, 0, sizeof(*places));
    places->named = named;
    int r = named ? place_add(places, named, "") : place_add_user(places);
    if (r == 0 && !named)
        r = place_add_temporary(places);
    if (r == 0 && !named)
        r = place_add(places, PLACE_SYSTEM, "");
    for (size_t i = 0; i < places->count; i++) {
        char path[PLACE_SOCKET_SIZE];
        struct place *place = &places->items[i];
        place->state = place_path(place, "http.sock", path, sizeof(path));
        if (place->state == 0)
            place->state = place_probe(path);
    }
    return r;
}

/* How much a failure tells: a refused right more than a dead socket, that more than none. */
static int place_rank(const struct place *place)
{
    switch (place->state) {
    case 0:
        return 4;
    case -EACCES:
    case -EPERM:
        return 3;
    case -ENAMETOOLONG:
        return 2;
    case -ENOENT:
    case -ENOTDIR:
        return 0;
    default:
        return 1;
    }
}

const struct place *place_choose(const struct places *places)
{
    const struct place *best = &places->items[0];
    for (size_t i = 1; i < places->count; i++)
        if (place_rank(&places->items[i]) > place_rank(best))
            best = &places->items[i];
    /* Nobody is there: a daemon of root would be in the system's directory. */
    if (place_rank(best) == 0 && geteuid() == 0)
        best = &places->items[places->count - 1];
    return best;
}

int place_state_directory(const struct invocation *invocation, const struct place *place,
                          char *ret_path, size_t size)
{
    const char *given = invocation->option[OPTION_STATE_DIR];
    const char *state = place_variable("XDG_STATE_HOME");
    const char *home = place_variable("HOME");
    int length;
    if (given && *given)
        length = snprintf(ret_path, size, "%s", given);
    else if (strcmp(place->directory, PLACE_SYSTEM) == 0 || (!state && !home))
        length = snprintf(ret_path, size, "/var/lib/memtend");
    else if (state)
        length = snprintf(ret_path, size, "%s/memtend", state);
    else
        length = snprintf(ret_path, size, "%s/.local/state/memtend", home);
    return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}
