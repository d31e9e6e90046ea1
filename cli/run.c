/* SPDX-License-Identifier: MIT */
/*
 * `memtend run`: set the environment, become the program. Whatever happens before the exec ends
 * with 125; the exec itself with 126 or 127, as env(1) and nohup(1) do.
 */
#include "base/text.h"
#include "model/process.h"
#include "place.h"
#include "say.h"
#include "verb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUN_AGENT "libmemtend-agent.so"

/* ld.so splits LD_PRELOAD at blanks and colons and knows no quoting. */
static bool is_preloadable(const char *path)
{
    return path[0] == '/' && !strpbrk(path, " :\t\n");
}

/* Beside the running program: a build tree and an installation both have ../lib. */
static bool find_agent_beside(char ret_path[static PATH_MAX])
{
    static const char *const folders[] = {
        "../lib",
        "../" MEMTEND_LIBDIR "/memtend",
        "../lib/memtend",
        "../lib/" MEMTEND_MULTIARCH,
        "../lib/" MEMTEND_MULTIARCH "/memtend",
    };
    char program[PATH_MAX], candidate[PATH_MAX + 64];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (length <= 0)
        return false;
    program[length] = '\0';
    char *slash = strrchr(program, '/');
    if (!slash)
        return false;
    *slash = '\0';
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        snprintf(candidate, sizeof(candidate), "%s/%s/" RUN_AGENT, program, folders[i]);
        if (access(candidate, R_OK) == 0 && realpath(candidate, ret_path))
            return true;
    }
    return false;
}

static int find_agent(char ret_path[static PATH_MAX])
{
    const char *given = getenv("MEMTEND_AGENT");
    if (given && *given) {
        if (given[0] != '/' || strlen(given) >= PATH_MAX || access(given, R_OK) != 0) {
            say("MEMTEND_AGENT must be the absolute path of a readable " RUN_AGENT ", not %s",
                given);
            return -ENOENT;
        }
        text_copy(ret_path, PATH_MAX, given);
    } else if (!find_agent_beside(ret_path)) {
        say("cannot find " RUN_AGENT " beside this program");
        say_try("MEMTEND_AGENT=/path/to/" RUN_AGENT " memtend run ...");
        return -ENOENT;
    }
    if (is_preloadable(ret_path))
        return 0;
    say("%s: LD_PRELOAD cannot hold a path with blanks or colons", ret_path);
    say_try("a copy of the agent elsewhere, and MEMTEND_AGENT=/path/to/the/copy");
    return -EINVAL;
}

/* Already there when memtend runs under itself: loading it once is enough. */
static bool is_preloaded(const char *preload, const char *agent)
{
    size_t length = strlen(agent);
    for (const char *at = strstr(preload, agent); at; at = strstr(at + 1, agent)) {
        bool begins = at == preload || strchr(" :", at[-1]);
        bool ends = at[length] == '\0' || strchr(" :", at[length]);
        if (begins && ends)
            return true;
    }
    return false;
}

static int set_preload(const char *agent)
{
    const char *old = getenv("LD_PRELOAD");
    if (!old || !*old)
        return setenv("LD_PRELOAD", agent, 1) < 0 ? -errno : 0;
    if (is_preloaded(old, agent))
        return 0;
    size_t size = strlen(agent) + 1 + strlen(old) + 1;
    char *both = say_no_memory(malloc(size));
    snprintf(both, size, "%s:%s", agent, old);
    int r = setenv("LD_PRELOAD", both, 1) < 0 ? -errno : 0;
    free(both);
    return r;
}

/* The agent trusts root and its own user; a service has a user of its own. */
static int set_daemon_uid(const struct place *place)
{
    struct stat status;
    char text[16];
    if (stat(place->directory, &status) < 0 || status.st_uid == 0 || status.st_uid == geteuid())
        return 0;
    snprintf(text, sizeof(text), "%u", (unsigned)status.st_uid);
    return setenv("MEMTEND_DAEMON_UID", text, 0) < 0 ? -errno : 0;
}

static int set_socket(const struct invocation *invocation)
{
    struct places places;
    char path[PLACE_SOCKET_SIZE];
    if (place_list(invocation, &places) < 0 || places.count == 0) {
        say("the name of the runtime directory is too long");
        return -ENAMETOOLONG;
    }
    const struct place *place = place_choose(&places);
    if (place_path(place, "agent/control.sock", path, sizeof(path)) < 0) {
        say("the path %s/agent/control.sock is longer than a socket may have (%zu bytes)",
            place->directory, PLACE_SOCKET_SIZE - 1);
        say_try("a shorter directory: memtend run --runtime-dir DIR -- ...");
        return -ENAMETOOLONG;
    }
    if (setenv("MEMTEND_SOCK", path, 1) < 0)
        return -errno;
    return set_daemon_uid(place);
}

/*
 * The agent wakes up in a program that is no Python only when this is its own pid, which exec
 * keeps: so in the program that was started, and not in every `sh` that it starts.
 */
static int set_pid(void)
{
    char text[16];
    snprintf(text, sizeof(text), "%d", (int)getpid());
    return setenv("MEMTEND_PID", text, 1) < 0 ? -errno : 0;
}

static int set_name(const char *name)
{
    if (!name)
        return 0;
    if (text_is_name(name, PROCESS_NAME_SIZE - 1))
        return setenv("MEMTEND_NAME", name, 1) < 0 ? -errno : 0;
    say("--name takes 1 to %d letters, digits, '.', '_' or '-', not %s", PROCESS_NAME_SIZE - 1,
        name);
    return -EINVAL;
}

enum exit_code run_main(const struct invocation *invocation)
{
    char agent[PATH_MAX];
    char **command = invocation->operands;
    if (set_name(invocation->option[OPTION_NAME]) < 0 || set_socket(invocation) < 0 ||
        find_agent(agent) < 0 || set_preload(agent) < 0 || set_pid() < 0)
        return EXIT_CODE_RUN_FAILED;
    execvp(command[0], command);
    int error = errno;
    say("cannot run %s: %s", command[0], strerror(error));
    return error == ENOENT ? EXIT_CODE_RUN_NOT_FOUND : EXIT_CODE_RUN_NOT_EXECUTABLE;
}
