/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

/* NULL: nobody asked for the agent. */
static const char *settings_socket(void)
{
    const char *path = getenv("MEMTEND_SOCK");
    const char *on = getenv("MEMTEND");
    if (on && strcmp(on, "0") == 0)
        return NULL;
    if (path && path[0])
        return path;
    return on && strcmp(on, "1") == 0 ? SETTINGS_SOCKET : NULL;
}

bool settings_wanted(void)
{
    /* AT_SECURE: the program has more rights than who set its environment. */
    return settings_socket() && getauxval(AT_SECURE) == 0;
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

bool settings_read(bool python, struct settings *ret_settings)
{
    const char *path = settings_socket();
    const char *name = getenv("MEMTEND_NAME");
    const char *uid = getenv("MEMTEND_DAEMON_UID");
    const char *freeze = getenv("MEMTEND_FREEZE");
    struct settings settings = {0};
    uint64_t value;
    if (!path || strlen(path) >= sizeof(settings.socket_path))
        return false;
    if (!settings_this_program(python, name))
        return false;
    text_copy(settings.socket_path, sizeof(settings.socket_path), path);
    if (name)
        text_copy(settings.name, sizeof(settings.name), name);
    settings.freeze = freeze && strcmp(freeze, "1") == 0;
    if (uid && text_parse_u64(uid, &value) == 0 && value < UINT32_MAX) {
        settings.has_daemon_uid = true;
        settings.daemon_uid = (uint32_t)value;
    }
    *ret_settings = settings;
    return true;
}
