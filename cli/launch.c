/* SPDX-License-Identifier: MIT */
#include "launch.h"

#include "base/text.h"
#include "model/process.h"
#include "say.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_name(const char *name)
{
    if (!name || text_is_name(name, PROCESS_NAME_SIZE - 1))
        return 0;
    say("--name takes 1 to %d letters, digits, '.', '_' or '-', not %s", PROCESS_NAME_SIZE - 1,
        name);
    return -EINVAL;
}

/* A library of glibc's world would end a program of musl; two allocators would end one with asan.
 */
static void leave_allocator_out(struct launch *launch)
{
    if (!launch->preload.allocator[0] || !(launch->program.musl || launch->program.asan))
        return;
    say("%s %s: --malloc does not apply to it", launch->program.path,
        launch->program.musl ? "uses musl" : "has the allocator of AddressSanitizer");
    launch->preload.allocator[0] = '\0';
}

int launch_prepare(const struct invocation *invocation, struct launch *ret_launch)
{
    char path[PATH_MAX];
    struct launch launch = {.name = invocation->option[OPTION_NAME]};
    int r = check_name(launch.name);
    if (r == 0)
        r = preload_find_agent(launch.preload.agent);
    if (r == 0)
        r = preload_find_allocator(invocation->option[OPTION_MALLOC], &launch.preload);
    if (r < 0)
        return r;
    if (program_find(invocation->operands[0], path) == 0)
        program_look(path, &launch.program);
    leave_allocator_out(&launch);
    *ret_launch = launch;
    return 0;
}

int launch_set_place(struct launch *launch, const struct place *place)
{
    struct stat status;
    if (place_path(place, "agent/control.sock", launch->socket, sizeof(launch->socket)) < 0) {
        say("the path %s/agent/control.sock is longer than a socket may have (%zu bytes)",
            place->directory, PLACE_SOCKET_SIZE - 1);
        say_try("a shorter directory: memtend run --runtime-dir DIR -- ...");
        return -ENAMETOOLONG;
    }
    /* The agent trusts root and its own user; a service has a user of its own. */
    launch->has_daemon_uid =
        stat(place->directory, &status) == 0 && status.st_uid != 0 && status.st_uid != geteuid();
    launch->daemon_uid = launch->has_daemon_uid ? status.st_uid : 0;
    return 0;
}

void launch_note(const struct launch *launch)
{
    static const char *const reasons[] = {
        [PROGRAM_STATIC] = "is statically linked, so no agent can be loaded into it: memtend sees "
                           "it from outside only; link it dynamically to have it tended",
        [PROGRAM_PRIVILEGED] = "gets more rights than you have (set-user-id, set-group-id or file "
                               "capabilities), so no agent is loaded into it; run it as the user "
                               "that has them",
        [PROGRAM_FOREIGN] = "is built for another processor or word size, so the agent cannot be "
                            "loaded into it; use a build for this one",
    };
    const char *off = getenv("MEMTEND");
    if (launch->program.kind != PROGRAM_PLAIN && !(off && strcmp(off, "0") == 0))
        say("%s %s", launch->program.path, reasons[launch->program.kind]);
}

static int set(const char *variable, const char *value, bool replace)
{
    return setenv(variable, value, replace) < 0 ? -errno : 0;
}

static int set_number(const char *variable, uint64_t number, bool replace)
{
    char text[24];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    return set(variable, text, replace);
}

static int set_preload(const struct preload *preload)
{
    char *joined = preload_join(getenv("LD_PRELOAD"), preload);
    int r = *joined ? set("LD_PRELOAD", joined, true) : 0;
    free(joined);
    return r;
}

/*
 * AddressSanitizer ends a program whose first library is not its own, for fear of functions that
 * are replaced before it could. The agent replaces none. A preloaded libasan would do as well, but
 * in every tool that the program calls.
 */
static int calm_asan(void)
{
    static const char option[] = "verify_asan_link_order=0";
    const char *old = getenv("ASAN_OPTIONS");
    size_t size = (old ? strlen(old) : 0) + sizeof(option) + 1;
    char *both = say_no_memory(malloc(size));
    snprintf(both, size, "%s%s%s", old ? old : "", old && *old ? ":" : "", option);
    int r = set("ASAN_OPTIONS", both, true);
    free(both);
    return r;
}

static int set_environment(const struct launch *launch)
{
    const char *preload = getenv("LD_PRELOAD");
    int r = launch->socket[0] ? set("MEMTEND_SOCK", launch->socket, true) : 0;
    if (r == 0 && launch->name)
        r = set("MEMTEND_NAME", launch->name, true);
    if (r == 0 && launch->has_daemon_uid)
        r = set_number("MEMTEND_DAEMON_UID", launch->daemon_uid, false);
    if (r == 0 && launch->program.asan && !(preload && *preload))
        r = calm_asan();
    if (r == 0)
        r = set_preload(&launch->preload);
    /*
     * The agent wakes up in a program that is no Python only when this is its own pid, which exec
     * keeps: so in the program that was started, and not in every `sh` that it starts.
     */
    return r < 0 ? r : set_number("MEMTEND_PID", (uint64_t)getpid(), true);
}

int launch_become(const struct launch *launch, char **command)
{
    int r = set_environment(launch);
    if (r < 0)
        return -r;
    execvp(command[0], command);
    return errno;
}

enum exit_code launch_failed(const char *command, int error)
{
    say("cannot run %s: %s", command, strerror(error));
    return error == ENOENT ? EXIT_CODE_RUN_NOT_FOUND : EXIT_CODE_RUN_NOT_EXECUTABLE;
}
