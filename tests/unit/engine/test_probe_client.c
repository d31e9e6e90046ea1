/* SPDX-License-Identifier: MIT */
/*
 * The head's side of the probe against real probes: this program started again as
 * "memtendd probe --fd N". MEMTEND_TEST_PROBE makes it misbehave.
 */
#include "base/clock.h"
#include "collect/proc_stat.h"
#include "engine/probe_client.h"
#include "engine/probe_role.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define STALL         UINT64_C(50) /* microseconds */
#define PATIENCE_USEC (20 * USEC_PER_SEC)
/* Short, so that a hanging probe is found out quickly; long for a machine under load. */
#define DEADLINE_USEC (1000 * USEC_PER_MSEC)

#define ANSWERS 512

struct world {
    sd_event *event;
    struct probe_client *client;
    int proc;
    size_t answers;
    struct probe_answer answer[ANSWERS];
    char payload[256]; /* of the last answer */
    size_t events;
    char event_text[STATUS_TEXT_SIZE]; /* the last one */
};

static void on_answer(void *context, const struct probe_answer *answer)
{
    struct world *world = context;
    assert_true(world->answers < ANSWERS);
    size_t length = answer->payload_length < sizeof(world->payload) ? answer->payload_length
                                                                    : sizeof(world->payload) - 1;
    if (length > 0)
        memcpy(world->payload, answer->payload, length);
    world->payload[length] = '\0';
    world->answer[world->answers] = *answer;
    world->answer[world->answers++].payload = NULL;
}

static void on_event(void *context, const char *text)
{
    struct world *world = context;
    world->events++;
    snprintf(world->event_text, sizeof(world->event_text), "%s", text);
}

static void open_client(struct world *world, const char *socket_path, const char *proc_root)
{
    struct probe_client_config config = {.socket_path = socket_path,
                                         .proc_root = proc_root,
                                         .deadline_usec = DEADLINE_USEC,
                                         .context = world,
                                         .on_answer = on_answer,
                                         .on_event = on_event};
    assert_int_equal(probe_client_new(world->event, &config, &world->client), 0);
}

static int make(void **state)
{
    static struct world world;
    world = (struct world){0};
    unsetenv("MEMTEND_TEST_PROBE");
    world.proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = &world;
    return world.proc < 0 || sd_event_new(&world.event) < 0 ? -1 : 0;
}

static int drop(void **state)
{
    struct world *world = *state;
    probe_client_free(world->client);
    sd_event_unref(world->event);
    close(world->proc);
    unsetenv("MEMTEND_TEST_PROBE");
    return 0;
}

/* Run the loop once; false when the test's patience is over. */
static bool turn(struct world *world, uint64_t begun)
{
    assert_true(sd_event_run(world->event, 20 * USEC_PER_MSEC) >= 0);
    return clock_mono_usec() - begun < PATIENCE_USEC;
}

static void wait_for_answers(struct world *world, size_t count)
{
    for (uint64_t begun = clock_mono_usec(); world->answers < count;)
        if (!turn(world, begun))
            fail_msg("%zu of %zu answers came", world->answers, count);
}

static enum probe_state state_now(struct world *world)
{
    struct probe_client_state state;
    probe_client_state(world->client, &state);
    return state.state;
}

static void wait_for_state(struct world *world, bool down)
{
    for (uint64_t begun = clock_mono_usec(); (state_now(world) == PROBE_STATE_DOWN) != down;)
        if (!turn(world, begun))
            fail_msg("the probe is %sdown", down ? "not " : "");
}

static struct process_id id_of(struct world *world, pid_t pid)
{
    struct proc_stat stat;
    assert_int_equal(proc_stat_read(world->proc, pid, &stat), OUTCOME_OK);
    return stat.id;
}

static const struct probe_answer *ask(struct world *world, struct process_id id, uint32_t what)
{
    uint32_t sequence;
    size_t before = world->answers;
    assert_int_equal(
        probe_client_request(world->client, id, STALL, what, PROBE_PRIORITY_RECEIPT, &sequence), 0);
    wait_for_answers(world, before + 1);
    assert_int_equal(world->answer[before].sequence, sequence);
    assert_int_equal(world->answer[before].what, what);
    return &world->answer[before];
}

static pid_t start_sleeper(void)
{
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void test_reads_a_process(void **state)
{
    struct world *world = *state;
    pid_t pid = start_sleeper();
    open_client(world, NULL, NULL);
    const struct probe_answer *answer = ask(world, id_of(world, pid), PROBE_WHAT_ALL);
    assert_int_equal(answer->result, 0);
    assert_int_equal(answer->present, PROBE_WHAT_ALL);
    assert_true(answer->rollup.pss > 0 && answer->rollup.pss <= answer->rollup.rss);
    struct stat exe;
    assert_int_equal(stat("/proc/self/exe", &exe), 0);
    assert_true(answer->exe_inode == exe.st_ino && answer->exe_device == exe.st_dev);
    assert_non_null(strstr(world->payload, "test_engine_probe_client"));
    assert_true(answer->own_rss_bytes > 0);
    struct probe_client_state client_state;
    probe_client_state(world->client, &client_state);
    assert_int_equal(client_state.state, geteuid() == 0 ? PROBE_STATE_OK : PROBE_STATE_LIMITED);
    assert_false(client_state.separated);
    assert_true(client_state.deep_usec_total > 0);
    assert_int_equal(client_state.restarts, 0);
    assert_int_equal(world->events, 0);
    end(pid);
}

/* Parts are paid for from the budget, without their pauses. */
static void test_scans_a_process(void **state)
{
    struct world *world = *state;
    pid_t pid = start_sleeper();
    open_client(world, NULL, NULL);
    struct probe_scan_part part = {.pool_bytes = 16384, .scan_bytes = 1 << 20};
    uint32_t sequence;
    assert_int_equal(probe_client_scan(world->client, id_of(world, pid), &part, &sequence), 0);
    assert_int_equal(probe_client_scan(world->client, id_of(world, pid), &part, NULL), -ENOBUFS);
    wait_for_answers(world, 1);
    assert_int_equal(world->answer[0].sequence, sequence);
    assert_int_equal(world->answer[0].result, 0);
    assert_int_equal(world->answer[0].present, PROBE_WHAT_POOLS);
    assert_int_equal(world->answer[0].payload_length, PROBE_POOLS_SIZE);
    struct probe_client_state client_state;
    probe_client_state(world->client, &client_state);
    assert_true(client_state.deep_usec_total == world->answer[0].cpu_usec);
    end(pid);
}

static void test_another_process_with_the_same_pid_is_refused(void **state)
{
    struct world *world = *state;
    pid_t pid = start_sleeper();
    open_client(world, NULL, NULL);
    struct process_id id = id_of(world, pid);
    id.start_ticks--;
    const struct probe_answer *answer = ask(world, id, PROBE_WHAT_ALL);
    assert_int_equal(answer->result, -ESRCH);
    assert_int_equal(answer->present, 0);
    assert_int_equal(answer->rollup.rss, 0);
    assert_int_equal(answer->exe_inode, 0);
    end(pid);
}

/* A process with exactly this pid; -1 when we may not choose. */
static pid_t start_with_pid(pid_t pid)
{
    pid_t wanted[] = {pid};
    struct clone_args arguments = {
        .exit_signal = SIGCHLD, .set_tid = (uintptr_t)wanted, .set_tid_size = 1};
    long made = syscall(SYS_clone3, &arguments, sizeof(arguments));
    if (made == 0)
        for (;;)
            pause();
    return (pid_t)made;
}

/* The same with a pid that the kernel really gave out twice. */
static void test_recycled_pid(void **state)
{
    struct world *world = *state;
    open_client(world, NULL, NULL);
    pid_t pid = start_sleeper();
    struct process_id old = id_of(world, pid), recycled = old;
    assert_int_equal(ask(world, old, PROBE_WHAT_ROLLUP)->result, 0);
    /* Start times have a grain of 10 ms: try until the clock has moved on. */
    for (uint64_t begun = clock_mono_usec(); process_id_equal(old, recycled);) {
        assert_true(clock_mono_usec() - begun < PATIENCE_USEC);
        end(pid);
        if (start_with_pid(pid) != pid) {
            print_message("SKIP: pids cannot be chosen here\n");
            skip();
        }
        recycled = id_of(world, pid);
    }
    const struct probe_answer *answer = ask(world, old, PROBE_WHAT_ALL);
    assert_int_equal(answer->result, -ESRCH);
    assert_int_equal(answer->present, 0);
    assert_int_equal(ask(world, recycled, PROBE_WHAT_ALL)->result, 0);
    end(pid);
}

static void test_zombie_and_gone(void **state)
{
    struct world *world = *state;
    pid_t pid = start_sleeper();
    open_client(world, NULL, NULL);
    struct process_id id = id_of(world, pid);
    siginfo_t info;
    kill(pid, SIGKILL);
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    const struct probe_answer *answer = ask(world, id, PROBE_WHAT_ROLLUP);
    assert_int_equal(answer->result, -ENODATA);
    assert_int_equal(answer->present, 0);
    waitpid(pid, NULL, 0);
    assert_int_equal(ask(world, id, PROBE_WHAT_ALL)->result, -ESRCH);
}

/* Processes that end around the reading: one answer each, whole or none. */
static void test_dying_processes(void **state)
{
    struct world *world = *state;
    open_client(world, NULL, NULL);
    for (size_t i = 0; i < 100; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        struct process_id id = {.pid = pid, .start_ticks = 0};
        struct proc_stat stat;
        if (proc_stat_read(world->proc, pid, &stat) == OUTCOME_OK)
            id = stat.id;
        assert_int_equal(probe_client_request(world->client, id, STALL, PROBE_WHAT_ALL,
                                              PROBE_PRIORITY_RECEIPT, NULL),
                         0);
        sd_event_run(world->event, 0);
        waitpid(pid, NULL, 0);
    }
    wait_for_answers(world, 100);
    for (size_t i = 0; i < 100; i++) {
        const struct probe_answer *answer = &world->answer[i];
        if (answer->present & PROBE_WHAT_ROLLUP)
            assert_true(answer->rollup.pss <= answer->rollup.rss);
        else
            assert_true(answer->result < 0);
    }
}

static void test_recorded_tree(void **state)
{
    struct world *world = *state;
    static const char root[] = FIXTURES "/proc/linux-6.18";
    int tree = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(tree >= 0);
    struct proc_stat stat;
    assert_int_equal(proc_stat_read(tree, 10986, &stat), OUTCOME_OK);
    close(tree);
    open_client(world, NULL, root);
    const struct probe_answer *answer = ask(world, stat.id, PROBE_WHAT_ALL);
    assert_int_equal(answer->result, 0);
    assert_int_equal(answer->rollup.pss, 8551 * 1024);
    assert_int_equal(answer->rollup.uss, 872 * 1024);
    assert_true(answer->exec_mark != 0);
    assert_string_equal(world->payload, "/usr/bin/python3");
}

static void test_stopped_probe_is_replaced(void **state)
{
    struct world *world = *state;
    open_client(world, NULL, NULL);
    struct process_id id = id_of(world, getpid()), parent = id_of(world, getppid());
    assert_int_equal(ask(world, id, PROBE_WHAT_CMDLINE)->result, 0);
    pid_t stopped = probe_client_pid(world->client);
    assert_true(stopped > 0);
    kill(stopped, SIGSTOP);
    assert_int_equal(ask(world, id, PROBE_WHAT_ROLLUP)->result, -ETIMEDOUT);
    assert_non_null(strstr(world->event_text, "replaced"));
    /* The one it hung over is left alone, all others are read again. */
    assert_int_equal(ask(world, id, PROBE_WHAT_CMDLINE)->result, -ETIMEDOUT);
    const struct probe_answer *answer = ask(world, parent, PROBE_WHAT_CMDLINE);
    assert_true(answer->result == 0 || answer->result == -EACCES);
    assert_int_not_equal(probe_client_pid(world->client), stopped);
    struct probe_client_state client_state;
    probe_client_state(world->client, &client_state);
    assert_int_equal(client_state.restarts, 1);
    assert_int_equal(client_state.late_total, 1);
    assert_int_equal(kill(stopped, 0), -1); /* ended and reaped */
    assert_string_equal(world->event_text, "the probe is back");
}

/* Three times as long as what stands still would be given. */
static void test_slow_but_moving(void **state)
{
    struct world *world = *state;
    setenv("MEMTEND_TEST_PROBE", "slow", 1);
    open_client(world, NULL, NULL);
    const struct probe_answer *answer = ask(world, id_of(world, getpid()), PROBE_WHAT_ROLLUP);
    assert_int_equal(answer->result, 0);
    assert_int_equal(answer->rollup.rss, 4096);
    struct probe_client_state client_state;
    probe_client_state(world->client, &client_state);
    assert_int_equal(client_state.restarts, 0);
    assert_int_equal(client_state.late_total, 0);
}

/* What is changed as fast as it is read would never be read to its end. */
static void test_moving_for_ever(void **state)
{
    struct world *world = *state;
    setenv("MEMTEND_TEST_PROBE", "endless", 1);
    open_client(world, NULL, NULL);
    assert_int_equal(ask(world, id_of(world, getpid()), PROBE_WHAT_ROLLUP)->result, -ETIMEDOUT);
    struct probe_client_state client_state;
    probe_client_state(world->client, &client_state);
    assert_int_equal(client_state.late_total, 1);
}

static void test_killed_probe_is_started_again(void **state)
{
    struct world *world = *state;
    open_client(world, NULL, NULL);
    struct process_id id = id_of(world, getpid());
    assert_int_equal(ask(world, id, PROBE_WHAT_ROLLUP)->result, 0);
    kill(probe_client_pid(world->client), SIGKILL);
    wait_for_state(world, true);
    assert_non_null(strstr(world->event_text, "SIGKILL"));
    assert_int_equal(ask(world, id, PROBE_WHAT_ROLLUP)->result, 0);
    assert_int_equal(world->events, 2);
}

/* The one it died over is told so; those behind it are read by the next probe. */
static void test_requests_survive_the_probe(void **state)
{
    struct world *world = *state;
    open_client(world, NULL, NULL);
    struct process_id id = id_of(world, getpid());
    assert_int_equal(ask(world, id, PROBE_WHAT_ROLLUP)->result, 0);
    kill(probe_client_pid(world->client), SIGSTOP);
    for (int i = 0; i < 3; i++)
        probe_client_request(world->client, id, STALL, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_RECEIPT,
                             NULL);
    sd_event_run(world->event, 0);
    kill(probe_client_pid(world->client), SIGKILL);
    wait_for_answers(world, 4);
    assert_int_equal(world->answer[1].result, -EPIPE);
    assert_int_equal(world->answer[2].result, 0);
    assert_int_equal(world->answer[3].result, 0);
}

static void test_too_dear_is_not_even_sent(void **state)
{
    struct world *world = *state;
    open_client(world, NULL, NULL);
    struct process_id id = id_of(world, getpid());
    probe_client_request(world->client, id, 15 * USEC_PER_MSEC, PROBE_WHAT_ROLLUP,
                         PROBE_PRIORITY_ROUTINE, NULL);
    assert_int_equal(world->answers, 0); /* never from inside the call */
    wait_for_answers(world, 1);
    assert_int_equal(world->answer[0].result, -EFBIG);
    probe_client_request(world->client, id, 15 * USEC_PER_MSEC, PROBE_WHAT_ALL, PROBE_PRIORITY_RULE,
                         NULL);
    wait_for_answers(world, 2);
    assert_int_equal(world->answer[1].result, -EFBIG);
    assert_int_equal(world->answer[1].present, PROBE_WHAT_CMDLINE);
    assert_int_equal(world->answer[1].what, PROBE_WHAT_ALL);
    struct probe_client_state client_state;
    probe_client_state(world->client, &client_state);
    assert_int_equal(client_state.too_dear_total, 2);
}

static void test_full_queue_says_so(void **state)
{
    struct world *world = *state;
    open_client(world, NULL, NULL);
    struct process_id id = id_of(world, getpid());
    int taken = 0;
    while (probe_client_request(world->client, id, STALL, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_ROUTINE,
                                NULL) == 0)
        taken++;
    assert_int_equal(taken, PROBE_CLIENT_ROUTINE_LIMIT);
    assert_int_equal(probe_client_room(world->client, PROBE_PRIORITY_ROUTINE), 0);
    wait_for_answers(world, (size_t)taken);
}

/* Probes that lie, by MEMTEND_TEST_PROBE: what they say is not believed. */
static void test_lying_probes_are_not_believed(void **state)
{
    struct world *world = *state;
    static const char *const lies[] = {"garbage", "other-pid", "other-sequence", "not-asked",
                                       "exit"};
    struct process_id id = id_of(world, getpid());
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        setenv("MEMTEND_TEST_PROBE", lies[i], 1);
        open_client(world, NULL, NULL);
        const struct probe_answer *answer = ask(world, id, PROBE_WHAT_ROLLUP);
        assert_true(answer->result == -EPIPE || answer->result == -ENOBUFS);
        assert_int_equal(answer->present, 0);
        assert_int_equal(answer->rollup.rss, 0);
        probe_client_free(world->client);
        world->client = NULL;
    }
}

/* After a few quick ends nobody is kept waiting any more. */
static void test_a_probe_that_always_dies(void **state)
{
    struct world *world = *state;
    setenv("MEMTEND_TEST_PROBE", "exit", 1);
    open_client(world, NULL, NULL);
    struct process_id id = id_of(world, getpid());
    struct probe_client_state client_state;
    do {
        assert_int_equal(ask(world, id, PROBE_WHAT_ROLLUP)->result, -EPIPE);
        probe_client_state(world->client, &client_state);
    } while (client_state.restarts < 5 && world->answers < 100);
    assert_true(client_state.restarts >= 5);
    uint64_t begun = clock_mono_usec();
    assert_int_equal(ask(world, id, PROBE_WHAT_ROLLUP)->result, -EPIPE);
    assert_true(clock_mono_usec() - begun < USEC_PER_SEC);
    assert_int_equal(state_now(world), PROBE_STATE_DOWN);
    /* What goes on is told three times, the last time with word of that. */
    assert_int_equal(world->events, 3);
    assert_non_null(strstr(world->event_text, "not told"));
    assert_int_equal(probe_client_room(world->client, PROBE_PRIORITY_RECEIPT), 0);
}

static void test_no_unit_there(void **state)
{
    struct world *world = *state;
    open_client(world, "/nonexistent/probe.sock", NULL);
    struct process_id id = id_of(world, getpid());
    assert_int_equal(ask(world, id, PROBE_WHAT_ROLLUP)->result, -EPIPE);
    struct probe_client_state client_state;
    probe_client_state(world->client, &client_state);
    assert_int_equal(client_state.state, PROBE_STATE_DOWN);
    assert_non_null(strstr(client_state.detail, "No such file"));
    assert_int_equal(world->events, 1);
}

/* A probe as systemd starts it: with a listening socket. */
static pid_t start_unit(const char *path, int *ret_listener)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (*ret_listener < 0) {
        *ret_listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
        assert_int_equal(bind(*ret_listener, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(*ret_listener, 4), 0);
    }
    pid_t pid = fork();
    if (pid == 0)
        _exit(probe_run(*ret_listener, NULL, false));
    return pid;
}

static void test_unit_with_a_socket(void **state)
{
    struct world *world = *state;
    char folder[] = "/tmp/memtend-probe-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/probe.sock", folder);
    int listener = -1;
    pid_t unit = start_unit(path, &listener);
    open_client(world, path, NULL);
    struct process_id id = id_of(world, getpid());
    assert_int_equal(ask(world, id, PROBE_WHAT_ALL)->result, 0);
    struct probe_client_state client_state;
    probe_client_state(world->client, &client_state);
    assert_true(client_state.separated);
    assert_int_equal(probe_client_pid(world->client), 0);
    /* It dies and is started again on the same socket. */
    end(unit);
    wait_for_state(world, true);
    unit = start_unit(path, &listener);
    assert_int_equal(ask(world, id, PROBE_WHAT_ALL)->result, 0);
    /* The next head is served after this one is gone. */
    probe_client_free(world->client);
    open_client(world, path, NULL);
    assert_int_equal(ask(world, id, PROBE_WHAT_ROLLUP)->result, 0);
    end(unit);
    close(listener);
    unlink(path);
    rmdir(folder);
}

static void test_the_probe_holds_nothing_of_ours(void **state)
{
    struct world *world = *state;
    if (geteuid() != 0)
        skip();
    int pipes[2];
    assert_int_equal(pipe(pipes), 0); /* without O_CLOEXEC, on purpose */
    open_client(world, NULL, NULL);
    ask(world, id_of(world, getpid()), PROBE_WHAT_ROLLUP);
    for (int fd = 0; fd < 64; fd++) {
        char path[64], target[64] = "";
        snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)probe_client_pid(world->client), fd);
        if (readlink(path, target, sizeof(target) - 1) > 0)
            assert_null(strstr(target, "pipe:") && fd > 2 ? target : NULL);
    }
    close(pipes[0]);
    close(pipes[1]);
}

static void test_the_probe_ends_with_its_client(void **state)
{
    struct world *world = *state;
    open_client(world, NULL, NULL);
    ask(world, id_of(world, getpid()), PROBE_WHAT_ROLLUP);
    pid_t pid = probe_client_pid(world->client);
    probe_client_free(world->client);
    world->client = NULL;
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
}

/* What "memtendd probe" does in daemon/main.c, and the lies. */
/* Signs of life, eight within the deadline, for three of it or without end. */
static void get_on(int fd, const char *how, struct probe_answer answer)
{
    unsigned char header[PROBE_HEADER_SIZE];
    const struct timespec pause = {.tv_nsec = DEADLINE_USEC / 8 * 1000};
    bool endless = strcmp(how, "endless") == 0;
    answer.result = -EINPROGRESS;
    answer.present = 0;
    answer.rollup = (struct probe_rollup){0};
    probe_answer_encode(&answer, header);
    for (int i = 0; i < 3 * 8 || endless; i++) {
        nanosleep(&pause, NULL);
        if (send(fd, header, sizeof(header), MSG_NOSIGNAL) < 0)
            return;
    }
}

static int lie(int fd, const char *how)
{
    unsigned char packet[PROBE_PACKET_MAX] = {0};
    struct probe_request request;
    ssize_t n = recv(fd, packet, sizeof(packet), 0);
    if (n < 0 || probe_request_decode(packet, (size_t)n, &request) < 0)
        return 1;
    struct probe_answer answer = {.sequence = request.sequence,
                                  .pid = request.pid,
                                  .start_ticks = request.start_ticks,
                                  .what = request.what,
                                  .present = request.what,
                                  .rollup = {.rss = 4096, .pss = 4096, .uss = 4096}};
    if (strcmp(how, "other-pid") == 0)
        answer.pid++;
    else if (strcmp(how, "other-sequence") == 0)
        answer.sequence++;
    else if (strcmp(how, "not-asked") == 0)
        answer.what = answer.present = PROBE_WHAT_ALL;
    if (strcmp(how, "slow") == 0 || strcmp(how, "endless") == 0)
        get_on(fd, how, answer);
    probe_answer_encode(&answer, packet);
    if (strcmp(how, "garbage") == 0)
        memset(packet, 'x', PROBE_HEADER_SIZE);
    if (strcmp(how, "exit") == 0)
        return 3;
    send(fd, packet, PROBE_HEADER_SIZE, MSG_NOSIGNAL);
    pause();
    return 0;
}

#define client_test(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "probe") == 0) {
        const char *how = getenv("MEMTEND_TEST_PROBE");
        int fd = argv[3][0] - '0';
        _exit(how ? lie(fd, how) : probe_run(fd, argc == 6 ? argv[5] : NULL, false));
    }
    static const struct CMUnitTest tests[] = {
        client_test(test_reads_a_process),
        client_test(test_scans_a_process),
        client_test(test_another_process_with_the_same_pid_is_refused),
        client_test(test_recycled_pid),
        client_test(test_zombie_and_gone),
        client_test(test_dying_processes),
        client_test(test_recorded_tree),
        client_test(test_stopped_probe_is_replaced),
        client_test(test_slow_but_moving),
        client_test(test_moving_for_ever),
        client_test(test_killed_probe_is_started_again),
        client_test(test_requests_survive_the_probe),
        client_test(test_too_dear_is_not_even_sent),
        client_test(test_full_queue_says_so),
        client_test(test_lying_probes_are_not_believed),
        client_test(test_a_probe_that_always_dies),
        client_test(test_no_unit_there),
        client_test(test_unit_with_a_socket),
        client_test(test_the_probe_holds_nothing_of_ours),
        client_test(test_the_probe_ends_with_its_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
