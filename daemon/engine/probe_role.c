/* SPDX-License-Identifier: MIT */
#include "engine/probe_role.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "collect/proc_cmdline.h"
#include "collect/proc_exe.h"
#include "collect/proc_rollup.h"
#include "collect/proc_stat.h"
#include "collect/self.h"
#include "engine/probe_jail.h"
#include "engine/probe_pools.h"
#include "engine/probe_vigil.h"
#include "engine/probe_walk.h"
#include "wire/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* Own memory is read so seldom that it costs nothing: 50 us of 30 s. */
#define ROLE_OWN_USEC (30 * USEC_PER_SEC)

struct role {
    int proc;
    uint32_t rights;
    uint32_t dropped;
    uint64_t own_usec; /* when own was read; 0 = never */
    struct self_memory own;
    struct probe_vigil vigil;
    unsigned char packet[PROBE_PACKET_MAX]; /* answer under way: header and payload */
};

static int role_errno(enum outcome outcome)
{
    static const int errors[OUTCOME_COUNT] = {
        [OUTCOME_OK] = 0,           [OUTCOME_GONE] = -ESRCH,        [OUTCOME_DENIED] = -EACCES,
        [OUTCOME_ABSENT] = -ENOENT, [OUTCOME_MALFORMED] = -EBADMSG, [OUTCOME_FAILED] = -EIO,
    };
    return errors[outcome];
}

/* Of a part. The process is still there, as is checked afterwards: when its file is gone it has no
 * memory (zombie, kernel thread). */
static int role_part_errno(enum outcome outcome)
{
    return outcome == OUTCOME_GONE ? -ENODATA : role_errno(outcome);
}

/* 0 when the pid is still the process that was meant, running what *mark says (0 = first look). */
static int role_check(const struct role *role, const struct probe_request *request, uint64_t *mark)
{
    struct proc_stat stat;
    enum outcome outcome = proc_stat_read(role->proc, request->pid, &stat);
    if (outcome != OUTCOME_OK)
        return role_errno(outcome);
    if (stat.id.start_ticks != request->start_ticks)
        return -ESRCH;
    if (*mark != 0 && stat.exec_mark != *mark)
        return -EAGAIN; /* it called exec while being read: half of each program */
    *mark = stat.exec_mark;
    return 0;
}

static int role_read_cmdline(struct role *role, const struct probe_request *request,
                             struct probe_answer *answer)
{
    char *payload = (char *)role->packet + PROBE_HEADER_SIZE;
    size_t length = 0;
    enum outcome outcome = OUTCOME_OK;
    /* One byte of the buffer is for a NUL that does not travel. */
    if (request->byte_budget > 1)
        outcome =
            proc_cmdline_read(role->proc, request->pid, payload, request->byte_budget, &length);
    if (outcome != OUTCOME_OK)
        return role_part_errno(outcome);
    answer->payload_length = (uint32_t)length;
    struct proc_exe exe;
    if (proc_exe_read(role->proc, request->pid, &exe) == OUTCOME_OK) {
        answer->exe_device = exe.device;
        answer->exe_inode = exe.inode;
    }
    return 0;
}

static int role_read_rollup(struct role *role, const struct probe_request *request,
                            struct probe_answer *answer)
{
    struct proc_rollup rollup;
    enum outcome outcome = proc_rollup_read(role->proc, request->pid, &rollup);
    if (outcome != OUTCOME_OK)
        return role_part_errno(outcome);
    answer->rollup = (struct probe_rollup){
        .rss = rollup.rss_bytes,
        .pss = rollup.pss_bytes,
        .uss = rollup.uss_bytes,
        .shared = rollup.shared_bytes,
        .private_dirty = rollup.private_dirty_bytes,
        .anonymous = rollup.anonymous_bytes,
        .swap = rollup.swap_bytes,
        .swap_pss = rollup.swap_pss_bytes,
        .locked = rollup.locked_bytes,
    };
    return 0;
}

/* Stops by itself at the end of its time; a part that is done is a whole answer. */
static int role_read_pools(struct role *role, const struct probe_request *request,
                           struct probe_answer *answer)
{
    struct probe_pools_scan scan = {.proc = role->proc,
                                    .pid = request->pid,
                                    .cursor = request->cursor,
                                    .pool_bytes = request->pool_bytes,
                                    .scan_bytes = request->scan_bytes,
                                    .until_usec = clock_mono_usec() + request->time_budget_usec};
    int r = probe_pools_read(&scan);
    if (r < 0)
        return r;
    probe_pools_encode(&scan.pools, role->packet + PROBE_HEADER_SIZE);
    answer->payload_length = PROBE_POOLS_SIZE;
    return 0;
}

static int role_read_layers(struct role *role, const struct probe_request *request,
                            struct probe_answer *answer)
{
    struct probe_layers layers;
    const struct probe_moved moved = {&role->vigil, probe_vigil_moved};
    enum outcome outcome = probe_walk_smaps(role->proc, request->pid, &moved, &layers);
    if (outcome != OUTCOME_OK)
        return role_part_errno(outcome);
    probe_layers_encode(&layers, role->packet + PROBE_HEADER_SIZE);
    answer->payload_length = PROBE_LAYERS_SIZE;
    return 0;
}

/* As with pools. */
static int role_read_pages(struct role *role, const struct probe_request *request,
                           struct probe_answer *answer)
{
    struct probe_layers layers;
    const struct probe_moved moved = {&role->vigil, probe_vigil_moved};
    int r = probe_walk_pages(role->proc, request->pid, request->cursor,
                             clock_mono_usec() + request->time_budget_usec, &moved, &layers);
    if (r < 0)
        return r;
    probe_layers_encode(&layers, role->packet + PROBE_HEADER_SIZE);
    answer->payload_length = PROBE_LAYERS_SIZE;
    return 0;
}

static void role_read_parts(struct role *role, const struct probe_request *request,
                            struct probe_answer *answer)
{
    static const struct {
        uint32_t what;
        int (*read)(struct role *role, const struct probe_request *request,
                    struct probe_answer *answer);
    } parts[] = {{PROBE_WHAT_CMDLINE, role_read_cmdline},
                 {PROBE_WHAT_ROLLUP, role_read_rollup},
                 {PROBE_WHAT_POOLS, role_read_pools},
                 {PROBE_WHAT_LAYERS, role_read_layers},
                 {PROBE_WHAT_PAGES, role_read_pages}};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (!(request->what & parts[i].what))
            continue;
        int r = parts[i].read(role, request, answer);
        if (r == 0)
            answer->present |= parts[i].what;
        else if (answer->result == 0)
            answer->result = r;
    }
}

static void role_measure_self(struct role *role, struct probe_answer *answer)
{
    uint64_t now = clock_mono_usec();
    if (role->own_usec == 0 || now - role->own_usec >= ROLE_OWN_USEC) {
        role->own = (struct self_memory){.private_bytes = -1, .rss_bytes = -1};
        self_memory_read(role->proc, getpid(), &role->own);
        role->own_usec = now;
    }
    answer->own_private_bytes = role->own.private_bytes;
    answer->own_rss_bytes = role->own.rss_bytes;
}

/* The identity is checked on both sides of the reading: a recycled pid never lends its values. */
static void role_read(struct role *role, int peer, const struct probe_request *request,
                      struct probe_answer *answer)
{
    *answer = (struct probe_answer){.sequence = request->sequence,
                                    .pid = request->pid,
                                    .start_ticks = request->start_ticks,
                                    .what = request->what,
                                    .rights = role->rights,
                                    .dropped = role->dropped};
    role_measure_self(role, answer);
    if (clock_mono_usec() >= request->deadline_usec) {
        answer->result = -ETIMEDOUT;
        return;
    }
    uint64_t mark = 0;
    answer->result = role_check(role, request, &mark);
    if (answer->result < 0)
        return;
    probe_vigil_begin(&role->vigil, peer, request, answer);
    uint64_t cpu = clock_thread_usec();
    role_read_parts(role, request, answer);
    probe_vigil_end();
    answer->cpu_usec = clock_thread_usec() - cpu;
    int after = role_check(role, request, &mark);
    if (after == 0) {
        answer->exec_mark = answer->present & ~(uint32_t)PROBE_WHAT_ROLLUP ? mark : 0;
        return;
    }
    answer->result = after;
    answer->present = 0;
    answer->payload_length = 0;
    answer->exe_device = answer->exe_inode = 0;
    answer->rollup = (struct probe_rollup){0};
}

/* 0, also when the socket was full and the answer is lost; -errno when the peer is. */
static int role_answer(struct role *role, int peer, const struct probe_request *request)
{
    struct probe_answer answer;
    role_read(role, peer, request, &answer);
    probe_answer_encode(&answer, role->packet);
    size_t size = PROBE_HEADER_SIZE + answer.payload_length;
    if (send(peer, role->packet, size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        return 0;
    if (errno != EAGAIN && errno != ENOBUFS)
        return -errno;
    role->dropped++;
    return 0;
}

/* Until the peer closes (0) or breaks the rules (-EBADMSG). */
static int role_serve(struct role *role, int peer)
{
    for (;;) {
        unsigned char packet[PROBE_REQUEST_SIZE + 1];
        ssize_t n = recv(peer, packet, sizeof(packet), 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        struct probe_request request;
        int r = probe_request_decode(packet, (size_t)n, &request);
        if (r == 0)
            r = role_answer(role, peer, &request);
        if (r < 0)
            return r;
    }
}

static bool role_may_ask(int peer)
{
    struct ucred ucred;
    socklen_t size = sizeof(ucred);
    if (getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &ucred, &size) < 0)
        return false;
    return ucred.uid == 0 || ucred.uid == geteuid();
}

/* One peer at a time: while it is served the next one waits in the backlog. */
static int role_listen(struct role *role, int listener)
{
    for (;;) {
        _cleanup_(closep) int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (peer < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (peer < 0)
            return -errno;
        if (!role_may_ask(peer)) {
            log_warning("probe: refused a peer of another user");
            continue;
        }
        int r = role_serve(role, peer);
        if (r < 0)
            log_warning("probe: connection ended: %s", strerror(-r));
    }
}

static int role_socket(int socket_fd, bool *ret_listening)
{
    if (socket_fd < 0) {
        int count = sd_listen_fds(1);
        if (count != 1 || sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_SEQPACKET, 1, NULL, 0) <= 0) {
            log_error("probe: no listening SOCK_SEQPACKET socket was handed over");
            return -EINVAL;
        }
        *ret_listening = true;
        return SD_LISTEN_FDS_START;
    }
    int r = sd_is_socket_unix(socket_fd, SOCK_SEQPACKET, -1, NULL, 0);
    if (r <= 0) {
        log_error("probe: descriptor %d is not a SOCK_SEQPACKET socket", socket_fd);
        return r < 0 ? r : -ENOTSOCK;
    }
    *ret_listening = sd_is_socket_unix(socket_fd, SOCK_SEQPACKET, 1, NULL, 0) > 0;
    return socket_fd;
}

static void role_set_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGALRM, SIG_DFL);
}

int probe_run(int socket_fd, const char *proc_root, bool other_users)
{
    static struct role role;
    bool listening;
    int fd = role_socket(socket_fd, &listening);
    if (fd < 0)
        return EXIT_FAILURE;
    role.proc = open(proc_root ? proc_root : "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (role.proc < 0) {
        log_error("probe: cannot open %s: %s", proc_root ? proc_root : "/proc", strerror(errno));
        return EXIT_FAILURE;
    }
    prctl(PR_SET_NAME, "memtend-probe", 0, 0, 0); /* not "exe", as /proc/self/exe would have it */
    role_set_signals();
    /* As a child it ends with the head even when that one was killed in the middle of a read. */
    if (!listening)
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    role.rights = probe_jail_enter(other_users);
    int r = listening ? role_listen(&role, fd) : role_serve(&role, fd);
    if (r < 0)
        log_error("probe: %s", strerror(-r));
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
