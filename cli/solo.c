/* SPDX-License-Identifier: MIT */
#include "solo.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "launch.h"
#include "say.h"
#include "solo_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Half of what container runtimes give all of us before they kill. */
#define SOLO_STOP_USEC (5 * USEC_PER_SEC)

struct solo {
    struct launch launch;
    char **command;
    struct solo_daemon daemon;
    bool has_daemon;
    sigset_t waited, before; /* what is waited for; the mask that we were started with */
    bool ignores_children;   /* SIGCHLD was ignored when we were started */
    bool stopping;           /* the daemon's end is no news */
    pid_t program;           /* 0 = it has ended */
    int status;              /* then: of wait(2) */
};

/* ---- signals ---- */

/* Left as they are: those of a fault of our own, and those by which a shell stops and continues a
 * job, which must stop and continue us as well. */
static const int solo_own_signals[] = {SIGFPE, SIGILL,  SIGSEGV, SIGBUS,  SIGABRT, SIGTRAP,
                                       SIGSYS, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT};

static void take_signals(struct solo *solo)
{
    struct sigaction plain = {.sa_handler = SIG_DFL}, before;
    /* While it is ignored, nothing can be waited for. */
    sigaction(SIGCHLD, &plain, &before);
    solo->ignores_children = before.sa_handler == SIG_IGN;
    sigfillset(&solo->waited);
    for (size_t i = 0; i < sizeof(solo_own_signals) / sizeof(solo_own_signals[0]); i++)
        sigdelset(&solo->waited, solo_own_signals[i]);
    sigprocmask(SIG_SETMASK, &solo->waited, &solo->before);
}

static void give_signals_back(const struct solo *solo)
{
    if (solo->ignores_children)
        signal(SIGCHLD, SIG_IGN);
    sigprocmask(SIG_SETMASK, &solo->before, NULL);
}

/* A terminal has sent these to the program as well. */
static bool came_from_terminal(const siginfo_t *info)
{
    int number = info->si_signo;
    return info->si_code == SI_KERNEL &&
           (number == SIGINT || number == SIGQUIT || number == SIGWINCH);
}

/* `kill 0` in the program reaches us too, and our own SIGPIPE is no news for it. */
static bool came_from_us(const struct solo *solo, const siginfo_t *info)
{
    bool by_process = info->si_code == SI_USER || info->si_code == SI_TKILL;
    return by_process && (info->si_pid == solo->program || info->si_pid == getpid());
}

static void pass_on(const struct solo *solo, const siginfo_t *info)
{
    if (solo->program > 0 && !came_from_terminal(info) && !came_from_us(solo, info))
        kill(solo->program, info->si_signo);
}

/* ---- children ---- */

/* Also those that were left to us because we are process 1. */
static void reap(struct solo *solo)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == solo->program) {
            solo->program = 0;
            solo->status = status;
        } else if (pid == solo->daemon.pid) {
            solo->daemon.pid = 0;
            if (!solo->stopping)
                solo_daemon_on_end(&solo->daemon, status, clock_mono_usec());
        }
    }
}

/* Waits for one signal until then at the latest. */
static void wait_until(struct solo *solo, uint64_t until_usec)
{
    uint64_t now = clock_mono_usec();
    uint64_t usec = until_usec > now ? until_usec - now : 0;
    struct timespec limit = {.tv_sec = (time_t)(usec / USEC_PER_SEC),
                             .tv_nsec = (long)(usec % USEC_PER_SEC * 1000)};
    siginfo_t info;
    int number = sigtimedwait(&solo->waited, &info, until_usec == UINT64_MAX ? NULL : &limit);
    if (number == SIGCHLD)
        reap(solo);
    else if (number > 0)
        pass_on(solo, &info);
}

/* Sockets that were handed to us by number are meant for the program. */
static void hand_sockets_on(pid_t parent)
{
    char own[16];
    const char *given = getenv("LISTEN_PID");
    if (!given || strtol(given, NULL, 10) != parent)
        return;
    snprintf(own, sizeof(own), "%d", (int)getpid());
    setenv("LISTEN_PID", own, 1);
}

static void become_program(const struct solo *solo, pid_t parent, int report)
{
    hand_sockets_on(parent);
    give_signals_back(solo);
    int error = launch_become(&solo->launch, solo->command);
    (void)!write(report, &error, sizeof(error));
    _exit(EXIT_CODE_RUN_FAILED);
}

/* 0, or the error of exec. */
static int start_program(struct solo *solo)
{
    int ends[2], error = 0;
    pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC) < 0)
        return errno;
    _cleanup_(closep) int report = ends[0];
    solo->program = fork();
    if (solo->program == 0)
        become_program(solo, parent, ends[1]);
    if (solo->program < 0)
        error = errno;
    close(ends[1]);
    /* Nothing comes when the exec has closed the other end. */
    if (solo->program > 0 && read(report, &error, sizeof(error)) != sizeof(error))
        error = 0;
    return error;
}

/* Whoever waits for the end of the program's output must not wait for us. */
static void let_go(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
    }
    syscall(SYS_close_range, 3U, ~0U, 0U);
}

/* ---- the whole ---- */

static void supervise(struct solo *solo)
{
    while (solo->program > 0) {
        wait_until(solo, solo->has_daemon ? solo->daemon.due_usec : UINT64_MAX);
        if (solo->has_daemon && solo->program > 0)
            solo_daemon_on_time(&solo->daemon, clock_mono_usec());
    }
}

static void stop_daemon(struct solo *solo)
{
    uint64_t deadline = clock_mono_usec() + SOLO_STOP_USEC;
    solo->stopping = true;
    if (solo->daemon.pid > 0)
        kill(solo->daemon.pid, SIGTERM);
    while (solo->daemon.pid > 0 && clock_mono_usec() < deadline)
        wait_until(solo, deadline);
    if (solo->daemon.pid > 0)
        kill(solo->daemon.pid, SIGKILL);
}

static int prepare(const struct invocation *invocation, struct solo *solo)
{
    const char *http = invocation->option[OPTION_HTTP];
    int r = launch_prepare(invocation, &solo->launch);
    if (r == 0)
        r = solo_daemon_find(&solo->daemon);
    if (r < 0)
        return r;
    solo->daemon.http = http ? http : "off";
    solo->daemon.signals = &solo->before;
    r = solo_place_choose(invocation, &solo->daemon.place);
    if (r == -ENOENT) {
        say("no directory here can be written to: %s runs without memtendd", solo->command[0]);
        say_try("a tmpfs at /tmp, or a volume and --runtime-dir DIR");
        solo->launch.preload.agent[0] = '\0'; /* it would look for nobody */
        return 0;
    }
    solo->has_daemon = r == 0;
    return r < 0 ? r : launch_set_place(&solo->launch, &solo->daemon.place.runtime);
}

enum exit_code solo_main(const struct invocation *invocation)
{
    struct solo solo = {.command = invocation->operands};
    if (prepare(invocation, &solo) < 0)
        return EXIT_CODE_RUN_FAILED;
    launch_note(&solo.launch);
    take_signals(&solo);
    if (solo.has_daemon)
        solo_daemon_start(&solo.daemon, clock_mono_usec());
    int error = start_program(&solo);
    if (error == 0) {
        let_go();
        supervise(&solo);
    }
    stop_daemon(&solo);
    if (error != 0)
        return launch_failed(solo.command[0], error);
    int code = WIFSIGNALED(solo.status) ? 128 + WTERMSIG(solo.status) : WEXITSTATUS(solo.status);
    return (enum exit_code)code;
}
