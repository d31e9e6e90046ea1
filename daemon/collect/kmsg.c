/* SPDX-License-Identifier: MIT */
#include "collect/kmsg.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* More than the kernel's longest record with its prefix; a shorter buffer would be refused. */
#define KMSG_BUFFER_SIZE 8192

enum outcome kmsg_open(int dev, struct kmsg *ret_kmsg)
{
    _cleanup_(closep) int fd = openat(dev, "kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return outcome_of_host(-errno);
    /* Some let us open it and refuse what is in it. A pipe has no end to go to. */
    if (lseek(fd, 0, SEEK_END) < 0 && errno != ESPIPE)
        return outcome_of_host(-errno);
    *ret_kmsg = (struct kmsg){.fd = STEAL_FD(fd)};
    return OUTCOME_OK;
}

void kmsg_close(struct kmsg *kmsg)
{
    if (kmsg->fd >= 0)
        close(kmsg->fd);
    kmsg->fd = -1;
}

static void kmsg_take(struct kmsg *kmsg, char *text, size_t length,
                      void (*on_kill)(void *context, const struct kmsg_record *kill), void *context)
{
    struct kmsg_record record;
    if (!kmsg_parse(text, length, &record))
        return;
    if (kmsg->next_sequence != 0 && record.sequence > kmsg->next_sequence)
        kmsg->lost += record.sequence - kmsg->next_sequence;
    kmsg->next_sequence = record.sequence + 1;
    if (kmsg_follow(&kmsg->follower, &record))
        on_kill(context, &record);
}

/* The kernel gives one record a read; its further lines begin with a blank. */
static void kmsg_lines(struct kmsg *kmsg, char *text, size_t length,
                       void (*on_kill)(void *context, const struct kmsg_record *kill),
                       void *context)
{
    for (char *end = text + length; text < end;) {
        char *newline = memchr(text, '\n', (size_t)(end - text));
        char *stop = newline ? newline : end;
        if (*text != ' ')
            kmsg_take(kmsg, text, (size_t)(stop - text), on_kill, context);
        text = stop + 1;
    }
}

int kmsg_read(struct kmsg *kmsg, void (*on_kill)(void *context, const struct kmsg_record *kill),
              void *context)
{
    char buffer[KMSG_BUFFER_SIZE];
    for (int i = 0; i < KMSG_READ_LIMIT; i++) {
        ssize_t got = read(kmsg->fd, buffer, sizeof(buffer));
        if (got > 0)
            kmsg_lines(kmsg, buffer, (size_t)got, on_kill, context);
        else if (got == 0 || errno == EAGAIN)
            return 0;
        /* EPIPE: overwritten before we came; the next read goes on with what is left. */
        else if (errno != EPIPE && errno != EINTR)
            return -errno;
    }
    return 0;
}
