/* SPDX-License-Identifier: MIT */
/*
 * A process with an agent of our making: it speaks the real protocol over the real socket and
 * really holds and gives back memory, or lies, as the test wants. Included by tests of the engine.
 */
#ifndef MEMTEND_TESTS_FAKE_AGENT_H
#define MEMTEND_TESTS_FAKE_AGENT_H

#include "base/clock.h"
#include "collect/proc_stat.h"
#include "wire/control.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum fake_kind {
    FAKE_HONEST,    /* a trim gives its memory back */
    FAKE_LIAR,      /* says it trimmed, in a time that cannot be */
    FAKE_BOASTER,   /* says it trimmed and does nothing */
    FAKE_QUITTER,   /* exits when asked to trim */
    FAKE_RECONNECT, /* loses its connection and says hello again, as after an exec */
    FAKE_TWICE,     /* opens a second connection beside the first; exits with 0 when refused */
    FAKE_MUTE,      /* never says hello */
};

#define FAKE_BYTES (64 << 20)

struct fake {
    int fd;
    char *memory;
    struct buffer input, output;
    enum fake_kind kind;
    uint64_t steps; /* it ran; also the pools that it has */
};

static int fake_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        _exit(100);
    return fd;
}

static void fake_send(struct fake *fake)
{
    while (fake->output.size > 0) {
        ssize_t sent = send(fake->fd, fake->output.data, fake->output.size, MSG_NOSIGNAL);
        if (sent <= 0)
            _exit(101);
        buffer_consume(&fake->output, (size_t)sent);
    }
}

static void fake_hello(struct fake *fake)
{
    const struct control_hello hello = {.version = CONTROL_VERSION,
                                        .name = "fake",
                                        .runtime = "cpython 3.11.2",
                                        .allocator = "glibc 2.36",
                                        .capabilities = CONTROL_CAN_MALLOC | CONTROL_CAN_GC |
                                                        CONTROL_CAN_COLLECT | CONTROL_CAN_TRIM |
                                                        CONTROL_CAN_POOLS};
    control_encode_hello(&fake->output, &hello);
    fake_send(fake);
}

static void fake_stat(struct fake *fake, uint64_t id, bool pools)
{
    struct control_stats stats = {.has = CONTROL_HAS_MALLOC_FREE | CONTROL_HAS_MALLOC_IN_USE |
                                         CONTROL_HAS_MALLOC_TOTAL | CONTROL_HAS_PY_BLOCKS |
                                         CONTROL_HAS_GC_COUNT,
                                  .malloc_total_bytes = FAKE_BYTES,
                                  .malloc_free_bytes = FAKE_BYTES,
                                  .gc_count = {10, 1, 1},
                                  .py_blocks = 3000,
                                  .py_pools = fake->steps};
    if (pools)
        stats.has |= CONTROL_HAS_PY_POOLS;
    control_encode_stats(&fake->output, id, &stats);
    fake_send(fake);
}

static void fake_run(struct fake *fake, uint64_t id, const char *name)
{
    struct control_step step = {.has = CONTROL_STEP_HAS_RUN_USEC, .run_usec = 1};
    snprintf(step.step, sizeof(step.step), "%s", name);
    bool trim = strcmp(name, "trim") == 0;
    if (trim && fake->kind == FAKE_QUITTER)
        _exit(0);
    if (trim && fake->kind == FAKE_LIAR)
        step.run_usec = 3600 * USEC_PER_SEC;
    if (trim && fake->kind == FAKE_HONEST)
        madvise(fake->memory, FAKE_BYTES, MADV_DONTNEED);
    fake->steps++;
    const struct control_done done = {.outcome = CONTROL_RESULT_OK, .steps = 1};
    control_encode_step(&fake->output, id, &step);
    control_encode_done(&fake->output, id, &done);
    fake_send(fake);
}

static void fake_on_line(struct fake *fake, const char *line, size_t length)
{
    struct control_message message;
    if (control_decode(line, length, &message) != CONTROL_DECODED)
        _exit(102);
    if (message.type == CONTROL_STAT)
        fake_stat(fake, message.id, message.stat.pools);
    else if (message.type == CONTROL_RUN)
        fake_run(fake, message.id, message.run.steps[0]);
}

static void fake_serve(struct fake *fake)
{
    for (;;) {
        char bytes[4096];
        ssize_t got = recv(fake->fd, bytes, sizeof(bytes), 0);
        if (got <= 0)
            return;
        buffer_append(&fake->input, bytes, (size_t)got);
        const char *newline;
        while (fake->input.size > 0 &&
               (newline = memchr(fake->input.data, '\n', fake->input.size)) != NULL) {
            size_t length = (size_t)(newline - fake->input.data);
            fake_on_line(fake, fake->input.data, length);
            buffer_consume(&fake->input, length + 1);
        }
    }
}

/* The second connection is answered by the end of it; the first must live on. */
static void fake_twice(struct fake *fake, const char *path)
{
    char byte, all[256];
    size_t length = 0;
    int second = fake_connect(path);
    while (length < sizeof(all) - 1 && recv(second, &byte, 1, 0) == 1)
        all[length++] = byte;
    all[length] = '\0';
    if (!strstr(all, "duplicate"))
        _exit(103);
    control_encode_bye(&fake->output, "refused");
    fake_send(fake);
    _exit(0);
}

static void fake_main(const char *path, enum fake_kind kind)
{
    struct fake fake = {.kind = kind};
    buffer_init(&fake.input, CONTROL_LINE_MAX_BYTES);
    buffer_init(&fake.output, CONTROL_LINE_MAX_BYTES);
    fake.memory =
        mmap(NULL, FAKE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fake.memory == MAP_FAILED)
        _exit(104);
    memset(fake.memory, 1, FAKE_BYTES);
    fake.fd = fake_connect(path);
    if (kind != FAKE_MUTE)
        fake_hello(&fake);
    if (kind == FAKE_TWICE)
        fake_twice(&fake, path);
    if (kind == FAKE_RECONNECT) {
        close(fake.fd);
        fake.fd = fake_connect(path);
        fake_hello(&fake);
    }
    fake_serve(&fake);
    /* The connection is gone; stay until the test ends it. */
    for (;;)
        pause();
}

static struct process_id fake_start(const char *path, enum fake_kind kind, int proc_fd)
{
    struct proc_stat stat = {0};
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(0);
        fake_main(path, kind);
    }
    assert_true(pid > 0);
    assert_int_equal(proc_stat_read(proc_fd, pid, &stat), OUTCOME_OK);
    return stat.id;
}

/* The exit status, or -1 when it had to be killed. */
static int fake_stop(struct process_id id)
{
    int status = 0;
    if (id.pid <= 0)
        return -1;
    kill(id.pid, SIGKILL);
    waitpid(id.pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif
