/* SPDX-License-Identifier: MIT */
#include "raw_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define RAW_DEADLINE_MSEC 30000 /* a busy machine */

int raw_connect_tcp(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_return_code(connect(fd, (struct sockaddr *)&address, sizeof(address)), errno);
    return fd;
}

int raw_connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_return_code(connect(fd, (struct sockaddr *)&address, sizeof(address)), errno);
    return fd;
}

bool raw_send(int fd, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        ssize_t n = send(fd, text, left, MSG_NOSIGNAL);
        if (n < 0)
            return false;
        text += n;
        left -= (size_t)n;
    }
    return true;
}

/* Bytes read, 0 closed, -1 nothing in time. */
static ssize_t raw_receive(int fd, char *bytes, size_t size)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    if (poll(&waiting, 1, RAW_DEADLINE_MSEC) <= 0)
        return -1;
    ssize_t n = recv(fd, bytes, size, 0);
    return n < 0 ? 0 : n;
}

const char *raw_header(const struct raw_answer *answer, const char *name)
{
    static char value[1024];
    size_t length = strlen(name);
    const char *line = strstr(answer->text, "\r\n");
    for (; line && line + 2 < answer->body; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, length) != 0 || line[2 + length] != ':')
            continue;
        const char *begin = line + 2 + length + 1;
        begin += strspn(begin, " ");
        snprintf(value, sizeof(value), "%.*s", (int)strcspn(begin, "\r"), begin);
        return value;
    }
    return "";
}

static void raw_read_answer(int fd, struct raw_answer *answer, bool head)
{
    size_t size = 0, wanted = SIZE_MAX;
    *answer = (struct raw_answer){.status = -1, .body = answer->text};
    while (size < wanted && size < sizeof(answer->text) - 1) {
        ssize_t n = raw_receive(fd, answer->text + size, sizeof(answer->text) - 1 - size);
        if (n <= 0) {
            if (n == 0 && size == 0)
                answer->status = 0;
            break;
        }
        size += (size_t)n;
        answer->text[size] = '\0';
        char *end = strstr(answer->text, "\r\n\r\n");
        if (!end || wanted != SIZE_MAX)
            continue;
        answer->body = end + 4;
        answer->status = atoi(answer->text + strlen("HTTP/1.1 "));
        bool empty = head || answer->status == 204 || answer->status == 304;
        size_t length = empty ? 0 : strtoul(raw_header(answer, "Content-Length"), NULL, 10);
        wanted = (size_t)(answer->body - answer->text) + length;
    }
    answer->body_size = size - (size_t)(answer->body - answer->text);
}

void raw_read(int fd, struct raw_answer *ret_answer)
{
    raw_read_answer(fd, ret_answer, false);
}

void raw_read_head(int fd, struct raw_answer *ret_answer)
{
    raw_read_answer(fd, ret_answer, true);
}

bool raw_closes(int fd, int msec)
{
    char bytes[512];
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    while (poll(&waiting, 1, msec) > 0)
        if (recv(fd, bytes, sizeof(bytes), 0) <= 0)
            return true;
    return false;
}

json_t *raw_json(const struct raw_answer *answer)
{
    json_error_t error;
    json_t *value = json_loadb(answer->body, answer->body_size, JSON_REJECT_DUPLICATES, &error);
    if (!value)
        print_message("status %d: %s in: %.400s\n", answer->status, error.text, answer->body);
    assert_non_null(value);
    return value;
}
