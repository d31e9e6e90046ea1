/* SPDX-License-Identifier: MIT */
/*
 * CPU of the server side for one GET /livez, beside a bare libmicrohttpd "hello" (one internal
 * epoll thread, no header of its own) in the same run. The client is this thread: its CPU is
 * taken off that of the process. Rounds alternate; medians are printed as one JSON line.
 */
#include "base/clock.h"
#include "http/server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BENCH_CONNECTIONS 8
#define BENCH_REQUESTS    3000 /* a round and connection */
#define BENCH_ROUNDS      9
#define BENCH_TARGET      1.3

static struct snapshot snapshot;

static const struct snapshot *bench_acquire(void *context, bool processes)
{
    (void)context;
    (void)processes;
    return &snapshot;
}

static void bench_release(void *context, const struct snapshot *used)
{
    (void)context;
    (void)used;
}

static int bench_submit(void *context, struct command *command)
{
    (void)context;
    (void)command;
    return -1;
}

static enum MHD_Result bench_hello(void *context, struct MHD_Connection *connection,
                                   const char *url, const char *method, const char *version,
                                   const char *upload, size_t *upload_size, void **state)
{
    static char text[] = "ok\n";
    (void)context, (void)url, (void)method, (void)version, (void)upload, (void)upload_size;
    if (!*state) {
        *state = text;
        return MHD_YES;
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return result;
}

static int bench_listen(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 64) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
        perror("listen");
        exit(1);
    }
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static int bench_connect(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        perror("connect");
        exit(1);
    }
    return fd;
}

static double bench_cpu_usec(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void bench_ask(const int *fds, const char *request)
{
    char answer[2048];
    for (int i = 0; i < BENCH_CONNECTIONS; i++) {
        if (send(fds[i], request, strlen(request), MSG_NOSIGNAL) < 0) {
            perror("send");
            exit(1);
        }
    }
    for (int i = 0; i < BENCH_CONNECTIONS; i++) {
        ssize_t n = recv(fds[i], answer, sizeof(answer), 0);
        if (n < 12 || memcmp(answer + strlen("HTTP/1.1 "), "200", 3) != 0) {
            fprintf(stderr, "bench_http: not answered with 200\n");
            exit(1);
        }
    }
}

/* Microseconds of CPU that the server spent on a request. */
static double bench_round(uint16_t port)
{
    int fds[BENCH_CONNECTIONS];
    char request[128];
    snprintf(request, sizeof(request), "GET /livez HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", port);
    for (int i = 0; i < BENCH_CONNECTIONS; i++)
        fds[i] = bench_connect(port);
    bench_ask(fds, request);
    double all = bench_cpu_usec(CLOCK_PROCESS_CPUTIME_ID);
    double mine = bench_cpu_usec(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < BENCH_REQUESTS; i++)
        bench_ask(fds, request);
    mine = bench_cpu_usec(CLOCK_THREAD_CPUTIME_ID) - mine;
    all = bench_cpu_usec(CLOCK_PROCESS_CPUTIME_ID) - all;
    for (int i = 0; i < BENCH_CONNECTIONS; i++)
        close(fds[i]);
    return (all - mine) / BENCH_REQUESTS / BENCH_CONNECTIONS;
}

static int bench_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void bench_measure(uint16_t ours_port, uint16_t bare_port)
{
    double ours[BENCH_ROUNDS], bare[BENCH_ROUNDS], ratio[BENCH_ROUNDS];
    for (int i = 0; i < BENCH_ROUNDS; i++) {
        bare[i] = bench_round(bare_port);
        ours[i] = bench_round(ours_port);
        ratio[i] = ours[i] / bare[i];
    }
    qsort(ours, BENCH_ROUNDS, sizeof(*ours), bench_compare);
    qsort(bare, BENCH_ROUNDS, sizeof(*bare), bench_compare);
    qsort(ratio, BENCH_ROUNDS, sizeof(*ratio), bench_compare);
    printf("{\"bench\": \"http\", \"figure\": \"livez\", \"usec_per_request\": %.2f, "
           "\"bare_usec\": %.2f, \"ratio\": %.2f, \"target_ratio\": %.1f}\n",
           ours[BENCH_ROUNDS / 2], bare[BENCH_ROUNDS / 2], ratio[BENCH_ROUNDS / 2], BENCH_TARGET);
}

int main(void)
{
    uint16_t ours_port, bare_port;
    int ours_fd = bench_listen(&ours_port), bare_fd = bench_listen(&bare_port);
    struct http_ops ops = {.snapshot_acquire = bench_acquire,
                           .snapshot_release = bench_release,
                           .submit = bench_submit};
    struct http_config config = {.tcp_fd = ours_fd,
                                 .unix_fd = -1,
                                 .port = ours_port,
                                 .token = "0123456789abcdef",
                                 .admin_gid = (gid_t)-1};
    struct http *http;
    snapshot =
        (struct snapshot){.mono_usec = clock_mono_usec(), .status.tick_usec = 3600 * USEC_PER_SEC};
    struct MHD_Daemon *bare =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, bench_hello, NULL,
                         MHD_OPTION_LISTEN_SOCKET, bare_fd, MHD_OPTION_END);
    if (!bare || http_new(&config, &ops, &http) < 0 || http_start(http) < 0) {
        fprintf(stderr, "bench_http: cannot start the servers\n");
        return 1;
    }
    bench_measure(ours_port, bare_port);
    http_free(http);
    MHD_stop_daemon(bare);
    close(ours_fd);
    return 0;
}
