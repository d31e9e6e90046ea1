/* SPDX-License-Identifier: MIT */
#include "solo_daemon.h"

#include "base/clock.h"
#include "base/text.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A daemon that cannot run costs one start a minute; one that ran so long is a healthy one. */
#define DAEMON_PAUSE_MIN_USEC (1 * USEC_PER_SEC)
#define DAEMON_PAUSE_MAX_USEC (60 * USEC_PER_SEC)
/* memtendd's exit status for a wrong configuration, which another start does not mend. */
#define DAEMON_WRONG_CONFIG 2

int solo_daemon_find(struct solo_daemon *daemon)
{
    static const char name[] = "memtendd";
    ssize_t length = readlink("/proc/self/exe", daemon->program, PATH_MAX - sizeof(name));
    daemon->program[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(daemon->program, '/');
    if (slash) {
        text_copy(slash + 1, sizeof(name), name);
        if (access(daemon->program, X_OK) == 0)
            return 0;
    }
    say("cannot find memtendd beside this program");
    say_try("a copy of memtendd in the same directory as memtend");
    return -ENOENT;
}

/* Its terminal, descriptors and libraries are the program's; its log would mix with the program's
 * output, so it has a file. */
static void detach(const struct solo_daemon *daemon)
{
    static const char *const foreign[] = {"LD_PRELOAD",     "LISTEN_FDS",    "LISTEN_PID",
                                          "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC"};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int log = open(daemon->place.log, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    dup2(null, STDIN_FILENO);
    dup2(log >= 0 ? log : null, STDOUT_FILENO);
    dup2(log >= 0 ? log : null, STDERR_FILENO);
    syscall(SYS_close_range, 3U, ~0U, 0U);
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
        unsetenv(foreign[i]);
    setenv("MEMTEND", "0", 1);
}

static void become(const struct solo_daemon *daemon, pid_t parent)
{
    const struct solo_place *place = &daemon->place;
    char *arguments[] = {"memtendd",
                         "--runtime-dir",
                         (char *)place->runtime.directory,
                         "--state-dir",
                         (char *)place->state,
                         "--http",
                         (char *)daemon->http,
                         "--config",
                         (char *)place->config,
                         NULL};
    if (!place->config[0])
        arguments[sizeof(arguments) / sizeof(arguments[0]) - 3] = NULL;
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        return;
    detach(daemon);
    sigprocmask(SIG_SETMASK, daemon->signals, NULL);
    execv(daemon->program, arguments);
}

void solo_daemon_start(struct solo_daemon *daemon, uint64_t now_usec)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        become(daemon, parent);
        _exit(EXIT_FAILURE);
    }
    daemon->started_usec = now_usec;
    daemon->due_usec = UINT64_MAX;
    daemon->pid = pid > 0 ? pid : 0;
    if (pid < 0) {
        say("cannot start memtendd: %s", strerror(errno));
        daemon->due_usec = now_usec + DAEMON_PAUSE_MAX_USEC;
    }
}

static uint64_t next_pause(const struct solo_daemon *daemon, uint64_t now_usec)
{
    uint64_t doubled = daemon->pause_usec * 2;
    if (doubled == 0 || now_usec - daemon->started_usec >= DAEMON_PAUSE_MAX_USEC)
        return DAEMON_PAUSE_MIN_USEC;
    return doubled < DAEMON_PAUSE_MAX_USEC ? doubled : DAEMON_PAUSE_MAX_USEC;
}

void solo_daemon_on_end(struct solo_daemon *daemon, int status, uint64_t now_usec)
{
    bool by_signal = WIFSIGNALED(status);
    int number = by_signal ? WTERMSIG(status) : WEXITSTATUS(status);
    if (!by_signal && number == DAEMON_WRONG_CONFIG) {
        say("memtendd refuses its configuration and is not started again; see %s",
            daemon->place.log);
        return;
    }
    daemon->pause_usec = next_pause(daemon, now_usec);
    daemon->due_usec = now_usec + daemon->pause_usec;
    say("memtendd ended with %s %d and is started again in %" PRIu64 " s; see %s",
        by_signal ? "signal" : "status", number, daemon->pause_usec / USEC_PER_SEC,
        daemon->place.log);
}

void solo_daemon_on_time(struct solo_daemon *daemon, uint64_t now_usec)
{
    if (daemon->pid == 0 && now_usec >= daemon->due_usec)
        solo_daemon_start(daemon, now_usec);
}
