/* SPDX-License-Identifier: MIT */
/*
 * The kernel's log, line by line, as hostile bytes: no crash, no text that is not clean, no kill
 * without a pid, and nothing believed that is not marked as the kernel's.
 */
#include "base/text.h"
#include "collect/kmsg.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void fuzz_line(struct kmsg_follower *follower, char *line, size_t length)
{
    struct kmsg_record record;
    if (!kmsg_parse(line, length, &record))
        return;
    must(text_is_clean(record.comm) && text_is_clean(record.cgroup));
    must(record.constraint < OOM_CONSTRAINT_COUNT && record.rss_bytes >= -1);
    if (!kmsg_follow(follower, &record))
        return;
    must(record.kind == KMSG_KILLED && record.pid > 0);
    must(line[0] >= '0' && line[0] <= '7');
    must(text_is_clean(record.cgroup));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    struct kmsg_follower follower = {0};
    for (char *line = text, *end = text + size; line < end;) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
        char *stop = newline ? newline : end;
        fuzz_line(&follower, line, (size_t)(stop - line));
        line = stop + 1;
    }
    free(text);
    return 0;
}
