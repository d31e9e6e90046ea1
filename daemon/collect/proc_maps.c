/* SPDX-License-Identifier: MIT */
#include "collect/proc_maps.h"

#include "base/text.h"
#include "collect/proc_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* What is still to be parsed of a line. */
struct span {
    const char *text;
    size_t length;
};

static bool span_hex(struct span *span, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t digits = 0;
    while (digits < span->length && digits < 16) {
        char c = span->text[digits];
        if (c >= '0' && c <= '9')
            value = value << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value << 4 | (uint64_t)(c - 'a' + 10);
        else
            break;
        digits++;
    }
    span->text += digits;
    span->length -= digits;
    if (digits > 0)
        *ret_value = value;
    return digits > 0;
}

static bool span_decimal(struct span *span, uint64_t *ret_value)
{
    size_t used;
    if (text_scan_u64(span->text, span->length, ret_value, &used) < 0)
        return false;
    span->text += used;
    span->length -= used;
    return true;
}

static bool span_letter(struct span *span, char expected)
{
    if (span->length == 0 || *span->text != expected)
        return false;
    span->text++;
    span->length--;
    return true;
}

/* "rw-p" */
static bool span_rights(struct span *span, struct proc_mapping *mapping)
{
    static const char letters[] = "rwx";
    bool *const rights[] = {&mapping->readable, &mapping->writable, &mapping->executable};
    if (span->length < 4)
        return false;
    for (size_t i = 0; i < 3; i++) {
        if (span->text[i] != letters[i] && span->text[i] != '-')
            return false;
        *rights[i] = span->text[i] == letters[i];
    }
    char sharing = span->text[3];
    mapping->shared = sharing == 's';
    span->text += 4;
    span->length -= 4;
    return sharing == 's' || sharing == 'p';
}

/* "7f0a-7f0b rw-p 00000000 00:00 0      [name]" */
bool proc_maps_parse(const char *line, size_t length, struct proc_mapping *ret_mapping)
{
    struct span span = {line, length};
    struct proc_mapping mapping = {0};
    uint64_t offset, device;
    if (!span_hex(&span, &mapping.start) || !span_letter(&span, '-') ||
        !span_hex(&span, &mapping.end) || !span_letter(&span, ' ') || mapping.end <= mapping.start)
        return false;
    if (!span_rights(&span, &mapping) || !span_letter(&span, ' ') || !span_hex(&span, &offset))
        return false;
    if (!span_letter(&span, ' ') || !span_hex(&span, &device) || !span_letter(&span, ':') ||
        !span_hex(&span, &device) || !span_letter(&span, ' '))
        return false;
    if (!span_decimal(&span, &mapping.inode) || (span.length > 0 && *span.text != ' '))
        return false;
    while (span_letter(&span, ' '))
        ;
    mapping.name = span.text;
    mapping.name_length = span.length;
    *ret_mapping = mapping;
    return true;
}

bool proc_maps_is_private_memory(const struct proc_mapping *mapping)
{
    static const char named[] = "[anon:";
    if (!mapping->readable || !mapping->writable || mapping->executable || mapping->shared ||
        mapping->inode != 0)
        return false;
    return mapping->name_length == 0 || (mapping->name_length >= sizeof(named) - 1 &&
                                         memcmp(mapping->name, named, sizeof(named) - 1) == 0);
}

void proc_maps_start(struct proc_maps *maps, int fd)
{
    maps->fd = fd;
    maps->taken = maps->length = 0;
    maps->ended = false;
}

enum outcome proc_maps_open(int proc, pid_t pid, struct proc_maps *maps)
{
    char path[PROC_PATH_SIZE];
    proc_path(pid, "maps", path);
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return outcome_of_process(-errno);
    proc_maps_start(maps, fd);
    return OUTCOME_OK;
}

void proc_maps_close(struct proc_maps *maps)
{
    close(maps->fd);
    maps->fd = -1;
}

/* Make room, read more. False at the end. */
static bool maps_fill(struct proc_maps *maps)
{
    if (maps->ended)
        return false;
    memmove(maps->text, maps->text + maps->taken, maps->length - maps->taken);
    maps->length -= maps->taken;
    maps->taken = 0;
    if (maps->length == sizeof(maps->text))
        maps->length =
            0; /* no line of the kernel's is so long: what is left of it is passed over */
    ssize_t n;
    do
        n = read(maps->fd, maps->text + maps->length, sizeof(maps->text) - maps->length);
    while (n < 0 && errno == EINTR);
    if (n <= 0) {
        maps->ended = true;
        return false;
    }
    maps->length += (size_t)n;
    return true;
}

bool proc_maps_next(struct proc_maps *maps, struct proc_mapping *ret_mapping)
{
    for (;;) {
        char *line = maps->text + maps->taken;
        const char *end = memchr(line, '\n', maps->length - maps->taken);
        if (!end) {
            if (!maps_fill(maps))
                return false;
            continue;
        }
        maps->taken += (size_t)(end - line) + 1;
        if (proc_maps_parse(line, (size_t)(end - line), ret_mapping))
            return true;
    }
}
