/* SPDX-License-Identifier: MIT */
/* The probe's own behaviour: its protocol, its jail. Each probe is a child of the test. */
#include "base/clock.h"
#include "collect/proc_stat.h"
#include "engine/probe_jail.h"
#include "engine/probe_role.h"
#include "wire/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MSEC 20000

struct probe {
    pid_t pid;
    int fd;
};

static int start(void **state)
{
    static struct probe probe;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
        return -1;
    probe.pid = fork();
    if (probe.pid == 0) {
        close(pair[0]);
        _exit(probe_run(pair[1], NULL, false));
    }
    close(pair[1]);
    probe.fd = pair[0];
    *state = &probe;
    return 0;
}

static int stop(void **state)
{
    const struct probe *probe = *state;
    close(probe->fd);
    kill(probe->pid, SIGKILL);
    waitpid(probe->pid, NULL, 0);
    return 0;
}

static struct probe_request request_for_self(uint32_t what)
{
    struct proc_stat stat;
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(proc_stat_read(proc, getpid(), &stat), OUTCOME_OK);
    close(proc);
    return (struct probe_request){.sequence = 1,
                                  .pid = getpid(),
                                  .start_ticks = stat.id.start_ticks,
                                  .what = what,
                                  .byte_budget = 4096,
                                  .time_budget_usec = 5 * USEC_PER_SEC,
                                  .deadline_usec = clock_mono_usec() + 60 * USEC_PER_SEC};
}

static int send_request(const struct probe *probe, const struct probe_request *request)
{
    unsigned char packet[PROBE_REQUEST_SIZE];
    probe_request_encode(request, packet);
    return send(probe->fd, packet, sizeof(packet), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static unsigned char answer_packet[PROBE_PACKET_MAX];

static struct probe_answer receive(const struct probe *probe)
{
    struct pollfd ready = {.fd = probe->fd, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, PATIENCE_MSEC), 1);
    ssize_t n = recv(probe->fd, answer_packet, sizeof(answer_packet), 0);
    assert_true(n > 0);
    struct probe_answer answer;
    assert_int_equal(probe_answer_decode(answer_packet, (size_t)n, &answer), 0);
    return answer;
}

static int exit_status(const struct probe *probe)
{
    int status;
    assert_int_equal(waitpid(probe->pid, &status, 0), probe->pid);
    return status;
}

static void test_budget_of_bytes(void **state)
{
    const struct probe *probe = *state;
    struct probe_request request = request_for_self(PROBE_WHAT_CMDLINE);
    assert_int_equal(send_request(probe, &request), 0);
    uint32_t whole = receive(probe).payload_length;
    assert_true(whole > 8);
    request.byte_budget = 8;
    assert_int_equal(send_request(probe, &request), 0);
    assert_int_equal(receive(probe).payload_length, 7); /* room for a NUL that does not travel */
    request.byte_budget = 0;
    assert_int_equal(send_request(probe, &request), 0);
    struct probe_answer answer = receive(probe);
    assert_int_equal(answer.payload_length, 0);
    assert_int_equal(answer.result, 0);
    assert_true(answer.exe_inode != 0);
}

static void test_what_is_too_late_is_not_read(void **state)
{
    const struct probe *probe = *state;
    struct probe_request request = request_for_self(PROBE_WHAT_ROLLUP);
    request.deadline_usec = clock_mono_usec();
    assert_int_equal(send_request(probe, &request), 0);
    struct probe_answer answer = receive(probe);
    assert_int_equal(answer.result, -ETIMEDOUT);
    assert_int_equal(answer.present, 0);
}

/* A head that does not read loses answers, not the probe, and is told how many. */
static void test_full_socket_drops_and_counts(void **state)
{
    const struct probe *probe = *state;
    struct probe_request request = request_for_self(PROBE_WHAT_CMDLINE);
    request.byte_budget = 16;
    /* Requests are smaller than answers, so that the way back is full first. */
    for (int sent = 0; sent < 20000; sent++) {
        struct pollfd writable = {.fd = probe->fd, .events = POLLOUT};
        assert_int_equal(poll(&writable, 1, PATIENCE_MSEC), 1);
        int r = send_request(probe, &request);
        assert_true(r == 0 || r == -EAGAIN);
    }
    uint32_t dropped = 0;
    for (unsigned answers = 0; dropped == 0; answers++) {
        assert_true(answers < 20000);
        dropped = receive(probe).dropped;
        /* The count comes with the next answer: there must be one more. */
        assert_true(send_request(probe, &request) <= 0);
    }
}

/* A child with so many pools of 4 KiB, each with half of its blocks of 512 bytes in use. */
#define POOLS      1000
#define POOL_BYTES 4096
#define POOL_LIVE  3
#define POOL_ROOM  7

static void make_pools(unsigned char *memory)
{
    for (size_t i = 0; i < POOLS; i++) {
        unsigned char *pool = memory + i * POOL_BYTES;
        const uint32_t numbers[] = {0, 31, 48 + POOL_ROOM * 512, POOL_BYTES - 512};
        const uint32_t count = POOL_LIVE;
        const uint64_t free_block = (uint64_t)(uintptr_t)pool + 48 + 4 * 512;
        memcpy(pool, &count, sizeof(count));
        memcpy(pool + 8, &free_block, sizeof(free_block));
        memcpy(pool + 32, numbers, sizeof(numbers));
    }
}

static struct process_id start_pools(void)
{
    int ready[2];
    char byte;
    struct proc_stat stat;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        unsigned char *memory = mmap(NULL, (POOLS + 1) * POOL_BYTES, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        make_pools(memory);
        /* Address space alone, more than any machine has memory: not to be looked through. */
        mmap(NULL, (size_t)1 << 42, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        while (write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(proc_stat_read(proc, pid, &stat), OUTCOME_OK);
    close(proc);
    return stat.id;
}

static void end_pools(struct process_id id)
{
    kill(id.pid, SIGKILL);
    waitpid(id.pid, NULL, 0);
}

static struct probe_request request_for_pools(struct process_id id)
{
    struct probe_request request = request_for_self(PROBE_WHAT_POOLS);
    request.pid = id.pid;
    request.start_ticks = id.start_ticks;
    request.pool_bytes = POOL_BYTES;
    request.scan_bytes = 300 * POOL_BYTES;
    return request;
}

/* Part by part, each within its bytes; what comes in between is answered in between. */
static void test_scan_in_parts(void **state)
{
    const struct probe *probe = *state;
    struct process_id id = start_pools();
    struct probe_request request = request_for_pools(id);
    struct probe_request other = request_for_self(PROBE_WHAT_CMDLINE);
    uint64_t pools = 0, blocks = 0, pinned = 0, parts = 0;
    do {
        assert_int_equal(send_request(probe, &request), 0);
        assert_int_equal(send_request(probe, &other), 0);
        struct probe_answer answer = receive(probe);
        struct probe_pools part;
        assert_int_equal(answer.result, 0);
        assert_true(answer.exec_mark != 0);
        assert_int_equal(probe_pools_decode(answer.payload, answer.payload_length, &part), 0);
        assert_true(part.read_places <= 300);
        assert_true(part.cursor == 0 || part.cursor > request.cursor);
        pools += part.used_pools;
        blocks += part.blocks;
        pinned += part.pinned_bytes;
        request.cursor = part.cursor;
        assert_true(parts++ < 1000);
        assert_int_equal(receive(probe).what, PROBE_WHAT_CMDLINE);
    } while (request.cursor > 0);
    assert_int_equal(pools, POOLS);
    assert_int_equal(blocks, POOLS * POOL_LIVE);
    assert_int_equal(pinned, POOLS * (POOL_ROOM - POOL_LIVE) * 512);
    assert_true(parts >= POOLS / 300);
    end_pools(id);
}

/* No time at all: it still gets on, so that it ends some day. */
static void test_scan_without_time_goes_on(void **state)
{
    const struct probe *probe = *state;
    struct process_id id = start_pools();
    struct probe_request request = request_for_pools(id);
    uint64_t pools = 0, parts = 0;
    request.time_budget_usec = 0;
    do {
        struct probe_pools part;
        assert_int_equal(send_request(probe, &request), 0);
        struct probe_answer answer = receive(probe);
        assert_int_equal(probe_pools_decode(answer.payload, answer.payload_length, &part), 0);
        pools += part.used_pools;
        request.cursor = part.cursor;
        assert_true(parts++ < 1000);
    } while (request.cursor > 0);
    assert_int_equal(pools, POOLS);
    end_pools(id);
}

/* 20,000 mappings: neighbours with other rights are not joined. */
static struct process_id start_many_mappings(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 20000;
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    struct process_id id = {.pid = fork()};
    if (id.pid == 0) {
        unsigned char *memory =
            mmap(NULL, count * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (size_t i = 0; memory != MAP_FAILED && i < count; i += 2)
            mprotect(memory + i * page, page, PROT_READ);
        assert_int_equal(write(ready[1], "x", 1), 1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    struct proc_stat stat;
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(proc_stat_read(proc, id.pid, &stat), OUTCOME_OK);
    close(proc);
    return stat.id;
}

/* A long reading that gets on says so, in time, and then answers. */
static void test_signs_of_life(void **state)
{
    const struct probe *probe = *state;
    struct process_id id = start_many_mappings();
    struct probe_request request = request_for_self(PROBE_WHAT_LAYERS);
    struct probe_answer answer;
    size_t signs = 0;
    request.pid = id.pid;
    request.start_ticks = id.start_ticks;
    request.time_budget_usec = 8 * USEC_PER_MSEC; /* a sign each millisecond of some 60 */
    assert_int_equal(send_request(probe, &request), 0);
    while ((answer = receive(probe)).result == -EINPROGRESS) {
        assert_int_equal(answer.sequence, request.sequence);
        assert_int_equal(answer.present, 0);
        assert_int_equal(answer.payload_length, 0);
        signs++;
    }
    assert_int_equal(answer.result, 0);
    assert_int_equal(answer.present, PROBE_WHAT_LAYERS);
    assert_true(signs > 0);
    end_pools(id);
}

static void test_only_cpython_is_scanned(void **state)
{
    const struct probe *probe = *state;
    struct process_id id = start_pools();
    struct probe_request request = request_for_pools(id);
    request.pool_bytes = 0; /* this test is none */
    assert_int_equal(send_request(probe, &request), 0);
    struct probe_answer answer = receive(probe);
    assert_int_equal(answer.result, -ENOEXEC);
    assert_int_equal(answer.present, 0);
    assert_int_equal(answer.payload_length, 0);
    end_pools(id);
    request.pool_bytes = POOL_BYTES;
    assert_int_equal(send_request(probe, &request), 0);
    assert_int_equal(receive(probe).result, -ESRCH);
}

/* Processes that die while they are scanned, at every moment of it. */
static void test_processes_that_die(void **state)
{
    const struct probe *probe = *state;
    for (unsigned i = 0; i < 30; i++) {
        struct process_id id = start_pools();
        struct probe_request request = request_for_pools(id);
        request.scan_bytes = PROBE_SCAN_MAX_BYTES;
        assert_int_equal(send_request(probe, &request), 0);
        struct timespec moment = {.tv_nsec = (long)i * 100000};
        nanosleep(&moment, NULL);
        kill(id.pid, SIGKILL);
        struct probe_answer answer = receive(probe);
        assert_true(answer.result == 0 || answer.result == -ENODATA || answer.result == -ESRCH ||
                    answer.result == -EAGAIN);
        assert_int_equal(answer.present, answer.result == 0 ? PROBE_WHAT_POOLS : 0);
        waitpid(id.pid, NULL, 0);
    }
}

static void test_ends_with_its_peer(void **state)
{
    const struct probe *probe = *state;
    struct probe_request request = request_for_self(PROBE_WHAT_CMDLINE);
    assert_int_equal(send_request(probe, &request), 0);
    receive(probe);
    shutdown(probe->fd, SHUT_RDWR);
    assert_int_equal(exit_status(probe), 0);
}

static void test_nonsense_ends_the_connection(void **state)
{
    const struct probe *probe = *state;
    char nonsense[1000];
    memset(nonsense, 'x', sizeof(nonsense));
    assert_int_equal(send(probe->fd, nonsense, sizeof(nonsense), 0), sizeof(nonsense));
    int status = exit_status(probe);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
}

static void test_only_a_packet_socket_will_do(void **state)
{
    (void)state;
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, 0};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        int pair[2];
        assert_int_equal(types[i] ? socketpair(AF_UNIX, types[i], 0, pair) : pipe(pair), 0);
        pid_t pid = fork();
        if (pid == 0) {
            close(STDERR_FILENO);
            _exit(probe_run(pair[0], NULL, false));
        }
        int status;
        waitpid(pid, &status, 0);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
        close(pair[0]);
        close(pair[1]);
    }
}

/* Ways out of the jail. Each returns what the system call did. */
static long escape_ptrace(void)
{
    return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static long escape_write_memory(void)
{
    struct iovec local = {&local, 1}, remote = {&local, 1};
    return process_vm_writev(getppid(), &local, 1, &remote, 1, 0);
}

static long escape_exec(void)
{
    char *arguments[] = {NULL};
    return execve("/bin/true", arguments, arguments);
}

static long escape_execveat(void)
{
    char *arguments[] = {NULL};
    return syscall(SYS_execveat, AT_FDCWD, "/bin/true", arguments, arguments, 0);
}

static long escape_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static long escape_unix_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long escape_open_for_writing(void)
{
    return open("/dev/null", O_WRONLY);
}

static long escape_create(void)
{
    return open("/tmp/memtend-escape", O_RDONLY | O_CREAT, 0600);
}

static long escape_open_memory(void)
{
    return open("/proc/self/mem", O_RDWR);
}

static long escape_fork(void)
{
    return syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static long escape_kill(void)
{
    return kill(getppid(), 0);
}

static long escape_executable_memory(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
               ? -1
               : 0;
}

static long escape_pidfd(void)
{
    return syscall(SYS_pidfd_open, getppid(), 0);
}

static long escape_unlink(void)
{
    return unlink("/nonexistent");
}

static long escape_write(void)
{
    return write(STDOUT_FILENO, "x", 1);
}

static long escape_ioctl(void)
{
    return syscall(SYS_ioctl, STDIN_FILENO, 0x5412 /* TIOCSTI */, "x");
}

static long (*const escapes[])(void) = {
    escape_ptrace,      escape_write_memory,      escape_exec,   escape_execveat,    escape_socket,
    escape_unix_socket, escape_open_for_writing,  escape_create, escape_open_memory, escape_fork,
    escape_kill,        escape_executable_memory, escape_pidfd,  escape_unlink,      escape_write,
    escape_ioctl,
};

#define ESCAPES (sizeof(escapes) / sizeof(escapes[0]))

/* Exit status of the jailed child: 0, or 1 + the number of the escape that was not refused. */
static int try_escapes(void)
{
    if (!(probe_jail_enter(false) & PROBE_RIGHT_JAILED))
        return 77;
    for (size_t i = 0; i < ESCAPES; i++) {
        errno = 0;
        if (escapes[i]() != -1 || errno != EPERM)
            return (int)i + 1;
    }
    return open("/proc/self/stat", O_RDONLY) < 0 ? 100 : 0;
}

static void test_no_escape_from_the_jail(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0)
        _exit(try_escapes());
    int status;
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("SKIP: no system call filters on this kernel\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Exit status of the jailed child: 0 when exactly CAP_SYS_PTRACE is left. */
static int look_at_rights(void)
{
    probe_jail_enter(false);
    char text[4096];
    int fd = open("/proc/self/status", O_RDONLY);
    ssize_t n = read(fd, text, sizeof(text) - 1);
    if (n <= 0)
        return 2;
    text[n] = '\0';
    static const char *const lines[] = {"CapEff:\t0000000000080000", "CapPrm:\t0000000000080000",
                                        "CapInh:\t0000000000000000", "CapAmb:\t0000000000000000",
                                        "NoNewPrivs:\t1"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (!strstr(text, lines[i]))
            return 3 + (int)i;
    return 0;
}

static void test_one_capability_is_left(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("SKIP: only root has capabilities to drop\n");
        skip();
    }
    pid_t pid = fork();
    if (pid == 0)
        _exit(look_at_rights());
    int status;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

#define probe_test(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        probe_test(test_budget_of_bytes),
        probe_test(test_what_is_too_late_is_not_read),
        probe_test(test_full_socket_drops_and_counts),
        probe_test(test_scan_in_parts),
        probe_test(test_scan_without_time_goes_on),
        probe_test(test_only_cpython_is_scanned),
        probe_test(test_signs_of_life),
        probe_test(test_processes_that_die),
        probe_test(test_ends_with_its_peer),
        probe_test(test_nonsense_ends_the_connection),
        cmocka_unit_test(test_only_a_packet_socket_will_do),
        cmocka_unit_test(test_no_escape_from_the_jail),
        cmocka_unit_test(test_one_capability_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
