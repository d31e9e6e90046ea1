/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include "base/buffer.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

bool settings_off(void)
{
    const char *on = getenv("MEMTEND");
    return on && strcmp(on, "0") == 0;
}

bool settings_secure(void)
{
    return getauxval(AT_SECURE) != 0;
}

#define SETTINGS_PATH_SIZE sizeof(((struct settings *)NULL)->socket_path)

/* NULL: nobody asked for the agent. */
static const char *settings_socket(void)
{
    const char *path = getenv("MEMTEND_SOCK");
    const char *on = getenv("MEMTEND");
    if (settings_off())
        return NULL;
    if (path && path[0])
        return path;
    return on && strcmp(on, "1") == 0 ? SETTINGS_SOCKET : NULL;
}

bool settings_wanted(void)
{
    return settings_socket() && !settings_secure();
}

static bool settings_is_own_pid(const char *text)
{
    uint64_t pid;
    return text_parse_u64(text, &pid) == 0 && pid == (uint64_t)getpid();
}

static bool settings_this_program(bool python, const char *name)
{
    const char *started = getenv("MEMTEND_PID");
    if (python)
        return true;
    if (started)
        return settings_is_own_pid(started);
    if (!name || !name[0])
        return false;
    /* Set by systemd from 248 on: in a unit the name is that of the process it started. */
    started = getenv("SYSTEMD_EXEC_PID");
    return !started || settings_is_own_pid(started);
}

static bool settings_fill(const char *path, const char *name, struct settings *ret_settings)
{
    const char *uid = getenv("MEMTEND_DAEMON_UID");
    const char *freeze = getenv("MEMTEND_FREEZE");
    const char *census = getenv("MEMTEND_CENSUS");
    struct settings settings = {0};
    uint64_t value;
    if (strlen(path) >= sizeof(settings.socket_path))
        return false;
    text_copy(settings.socket_path, sizeof(settings.socket_path), path);
    if (name)
        text_copy(settings.name, sizeof(settings.name), name);
    settings.census = !census || strcmp(census, "0") != 0;
    settings.freeze = freeze && strcmp(freeze, "1") == 0;
    if (uid && text_parse_u64(uid, &value) == 0 && value < UINT32_MAX) {
        settings.has_daemon_uid = true;
        settings.daemon_uid = (uint32_t)value;
    }
    *ret_settings = settings;
    return true;
}

bool settings_read(bool python, struct settings *ret_settings)
{
    const char *path = settings_socket();
    const char *name = getenv("MEMTEND_NAME");
    return path && settings_this_program(python, name) && settings_fill(path, name, ret_settings);
}

/* Where a daemon that this user has started listens. */
static bool settings_user_socket(const char *variable, const char *behind,
                                 char ret_path[static SETTINGS_PATH_SIZE])
{
    const char *folder = getenv(variable);
    struct buffer path;
    memset(ret_path, 0, SETTINGS_PATH_SIZE); /* the buffer ends no text */
    buffer_init_over(&path, ret_path, SETTINGS_PATH_SIZE - 1);
    return folder && folder[0] == '/' &&
           buffer_printf(&path, "%s%s/agent/control.sock", folder, behind) == 0 &&
           syscall(SYS_faccessat, AT_FDCWD, ret_path, F_OK) == 0;
}

bool settings_late(const char *name, const char *socket, struct settings *ret_settings)
{
    char own[SETTINGS_PATH_SIZE];
    const char *path = socket;
    if (!path || !path[0])
        path = getenv("MEMTEND_SOCK");
    if ((!path || !path[0]) && (settings_user_socket("MEMTEND_RUNTIME_DIR", "", own) ||
                                settings_user_socket("XDG_RUNTIME_DIR", "/memtend", own)))
        path = own;
    return settings_fill(path && path[0] ? path : SETTINGS_SOCKET,
                         name && name[0] ? name : getenv("MEMTEND_NAME"), ret_settings);
}
