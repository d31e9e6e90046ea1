/* SPDX-License-Identifier: MIT */
/*
 * Checks of the daemon: where it should be, what it says of itself, and which Python programs run
 * without an in-process agent.
 */
#include "checkup.h"

#include "base/text.h"
#include "local.h"
#include "say.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CHECKUP_PYTHONS 5 /* named one by one; the rest is counted */

static void check_socket(struct checkup *checkup, const struct place *place)
{
    switch (place->state) {
    case 0:
        checkup_add(checkup, "daemon", "socket", FINDING_OK, "a daemon answers at %s/http.sock",
                    place->directory);
        return;
    case -ENAMETOOLONG:
        checkup_add(checkup, "daemon", "socket", FINDING_FAILURE,
                    "the path %s/http.sock is longer than a socket may have (%zu bytes)",
                    place->directory, PLACE_SOCKET_SIZE - 1);
        checkup_fix(checkup, "memtendd --runtime-dir with a shorter directory");
        return;
    case -EACCES:
    case -EPERM:
        checkup_add(checkup, "daemon", "socket", FINDING_WARNING, "you may not use %s/http.sock",
                    place->directory);
        checkup_fix(checkup, "sudo adduser \"$USER\" memtend, and log in again");
        return;
    case -ENOENT:
    case -ENOTDIR:
        checkup_add(checkup, "daemon", "socket", FINDING_WARNING,
                    "no daemon runs: memtend ps works, history, rules and actions do not");
        checkup_fix(checkup, "systemctl start memtendd, or by hand: memtendd");
        return;
    default:
        checkup_add(checkup, "daemon", "socket", FINDING_FAILURE,
                    "%s/http.sock is there, but nobody answers (%s)", place->directory,
                    strerror(-place->state));
        checkup_fix(checkup, "systemctl restart memtendd, or by hand: memtendd");
        return;
    }
}

/* Who can put a socket there can pose as the daemon. */
static void check_directory(struct checkup *checkup, const struct place *place)
{
    struct stat status;
    if (stat(place->directory, &status) < 0)
        return;
    if (!S_ISDIR(status.st_mode) || (status.st_mode & S_IWOTH)) {
        checkup_add(checkup, "daemon", "runtime-dir", FINDING_FAILURE,
                    "%s is %s: anybody could pose as the daemon", place->directory,
                    S_ISDIR(status.st_mode) ? "writable for everybody" : "no directory");
        checkup_fix(checkup, "chmod o-w %s", place->directory);
        return;
    }
    checkup_add(checkup, "daemon", "runtime-dir", FINDING_OK, "%s belongs to uid %u, mode %04o",
                place->directory, (unsigned)status.st_uid, (unsigned)(status.st_mode & 07777));
}

static void check_control(struct checkup *checkup, const struct place *place)
{
    struct stat status;
    char path[PLACE_SOCKET_SIZE];
    if (place->state != 0)
        return;
    if (place_path(place, "agent/control.sock", path, sizeof(path)) < 0 ||
        stat(path, &status) < 0 || !S_ISSOCK(status.st_mode)) {
        checkup_add(checkup, "daemon", "control", FINDING_FAILURE,
                    "%s/agent/control.sock is missing: no in-process agent can register",
                    place->directory);
        checkup_fix(checkup,
                    "systemctl restart memtendd-agent.socket memtendd, or by hand: memtendd");
        return;
    }
    bool open = (status.st_mode & S_IWOTH) != 0;
    checkup_add(checkup, "daemon", "control", open ? FINDING_OK : FINDING_WARNING,
                "in-process agents of %s register at %s", open ? "every user" : "some users only",
                path);
    if (!open)
        checkup_fix(checkup, "chmod 0666 %s", path);
}

void checkup_places(struct checkup *checkup, const struct invocation *invocation)
{
    struct places places;
    if (place_list(invocation, &places) < 0 || places.count == 0) {
        checkup_add(checkup, "daemon", "socket", FINDING_FAILURE,
                    "the name of the runtime directory is too long");
        checkup_fix(checkup, "memtend --runtime-dir with a shorter directory");
        return;
    }
    const struct place *place = place_choose(&places);
    check_socket(checkup, place);
    check_directory(checkup, place);
    check_control(checkup, place);
}

static enum finding finding_of(const char *state)
{
    static const struct {
        const char *state;
        enum finding finding;
    } findings[] = {
        {"ok", FINDING_OK},        {"limited", FINDING_WARNING}, {"degraded", FINDING_WARNING},
        {"down", FINDING_FAILURE}, {"off", FINDING_FAILURE},
    };
    for (size_t i = 0; i < sizeof(findings) / sizeof(findings[0]); i++)
        if (strcmp(findings[i].state, state) == 0)
            return findings[i].finding;
    return FINDING_WARNING; /* a state we do not know */
}

static void check_part(struct checkup *checkup, json_t *status, const char *section,
                       const char *name, const char *fix)
{
    json_t *part = member_object(status, name);
    const char *state = member_text(part, "state"), *detail = member_text(part, "detail");
    if (!part)
        return; /* an asker with few rights is not told */
    enum finding finding = finding_of(state);
    checkup_add(checkup, section, name, finding, "%s is %s%s%s", name, *state ? state : "unknown",
                *detail ? ": " : "", detail);
    if (finding != FINDING_OK)
        checkup_fix(checkup, "%s", fix);
}

/* What the store was given since it started and does not have. */
static void check_losses(struct checkup *checkup, json_t *store)
{
    static const struct {
        const char *name, *what, *fix;
    } losses[] = {
        {"dropped_ticks", "ticks came while the store was behind",
         "a faster disk for StateDirectory"},
        {"lost_ticks", "ticks found no memory to be kept in",
         "MemoryMax of memtendd.service, or fewer processes"},
        {"lost_logs", "times ten minutes of a process were given up: the file was away too long",
         "df -h, and journalctl -u memtendd"},
        {"refused_rows", "values were of processes that there was no room for",
         "MaxProcesses in memtend.conf"},
    };
    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
        int64_t count = 0;
        if (!member_integer(store, losses[i].name, &count) || count == 0)
            continue;
        checkup_add(checkup, "store", losses[i].name, FINDING_WARNING,
                    "not stored since the start: %" PRId64 " %s", count, losses[i].what);
        checkup_fix(checkup, "%s", losses[i].fix);
    }
}

void checkup_daemon(struct checkup *checkup, json_t *status)
{
    json_t *missing = member_array(status, "missing");
    const char *version = member_text(status, "version");
    bool same = strcmp(version, MEMTEND_VERSION) == 0;
    checkup_add(checkup, "daemon", "version", same ? FINDING_OK : FINDING_WARNING,
                "memtendd %s%s%s", *version ? version : "of unknown version",
                same ? "" : ", memtend ", same ? "" : MEMTEND_VERSION);
    if (!same)
        checkup_fix(checkup, "systemctl restart memtendd");
    check_part(checkup, status, "store", "store", "df -h, and journalctl -u memtendd");
    check_losses(checkup, member_object(status, "store"));
    check_part(checkup, status, "daemon", "probe", "journalctl -u memtendd-probe -u memtendd");
    for (size_t i = 0; i < json_array_size(missing); i++)
        checkup_add(checkup, "daemon", "missing", FINDING_WARNING, "%s", item_text(missing, i));
    if (member_flag(status, "paused")) {
        checkup_add(checkup, "rules", "pause", FINDING_WARNING, "rules are paused: none acts");
        checkup_fix(checkup, "memtend resume");
    }
}

/* "/usr/bin/python3.11 app.py" and comm "python3": the interpreter by name. */
static bool is_python(json_t *process)
{
    const char *cmdline = member_text(process, "cmdline");
    size_t program = strcspn(cmdline, " ");
    size_t base = program;
    while (base > 0 && cmdline[base - 1] != '/')
        base--;
    return text_starts_with(member_text(process, "comm"), "python") ||
           text_starts_with(cmdline + base, "python");
}

static bool has_agent(json_t *process)
{
    const char *state = member_text(member_object(process, "agent"), "state");
    return *state && strcmp(state, "none") != 0;
}

static void add_python(struct checkup *checkup, json_t *process)
{
    int64_t pid = 0;
    const char *cmdline = member_text(process, "cmdline");
    if (!*cmdline)
        cmdline = member_text(process, "comm");
    member_integer(process, "pid", &pid);
    checkup_add(checkup, "agents", "python", FINDING_WARNING,
                "no in-process agent in %" PRId64 ": %.120s", pid, cmdline);
    checkup_fix(checkup, "memtend run -- %.120s", cmdline);
}

static void check_pythons(struct checkup *checkup, json_t *processes)
{
    size_t without = 0;
    for (size_t i = 0; i < json_array_size(processes); i++) {
        json_t *process = json_array_get(processes, i);
        if (!is_python(process) || has_agent(process))
            continue;
        if (without++ < CHECKUP_PYTHONS)
            add_python(checkup, process);
    }
    if (without <= CHECKUP_PYTHONS)
        return;
    checkup_add(checkup, "agents", "python", FINDING_WARNING,
                "no in-process agent in %zu more Python processes", without - CHECKUP_PYTHONS);
    checkup_fix(checkup, "memtend ps -q python");
}

void checkup_agents(struct checkup *checkup, json_t *status, json_t *processes)
{
    int64_t agents, ready = 0;
    if (member_integer(status, "agents", &agents)) {
        member_integer(status, "agents_ready", &ready);
        checkup_add(checkup, "agents", "connected", FINDING_OK,
                    "%" PRId64 " connected, %" PRId64 " ready", agents, ready);
    }
    check_pythons(checkup, processes);
}
