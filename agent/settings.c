/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

bool settings_wanted(void)
{
    const char *path = getenv("MEMTEND_SOCK");
    const char *off = getenv("MEMTEND");
    /* AT_SECURE: the program has more rights than who set its environment. */
    return path && path[0] && !(off && strcmp(off, "0") == 0) && getauxval(AT_SECURE) == 0;
}

static bool settings_this_program(bool python, const char *name)
{
    const char *pid_text = getenv("MEMTEND_PID");
    uint64_t pid;
    if (python)
        return true;
    if (pid_text)
        return text_parse_u64(pid_text, &pid) == 0 && pid == (uint64_t)getpid();
    return name && name[0];
}

bool settings_read(bool python, struct settings *ret_settings)
{
    const char *path = getenv("MEMTEND_SOCK");
    const char *name = getenv("MEMTEND_NAME");
    const char *uid = getenv("MEMTEND_DAEMON_UID");
    struct settings settings = {0};
    uint64_t value;
    if (!path || strlen(path) >= sizeof(settings.socket_path))
        return false;
    if (!settings_this_program(python, name))
        return false;
    text_copy(settings.socket_path, sizeof(settings.socket_path), path);
    if (name)
        text_copy(settings.name, sizeof(settings.name), name);
    if (uid && text_parse_u64(uid, &value) == 0 && value < UINT32_MAX) {
        settings.has_daemon_uid = true;
        settings.daemon_uid = (uint32_t)value;
    }
    *ret_settings = settings;
    return true;
}
