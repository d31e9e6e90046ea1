/* SPDX-License-Identifier: MIT */
#include "collect/proc_smaps.h"

#include "base/cleanup.h"
#include "collect/keyed.h"
#include "collect/proc_file.h"
#include "collect/proc_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* The longest first line, and the 25 to 30 lines of less than 40 bytes that follow it. */
#define SMAPS_BUFFER_SIZE (PROC_MAPS_BUFFER_SIZE + 4096)

enum smaps_key {
    SMAPS_RSS,
    SMAPS_PSS,
    SMAPS_PRIVATE_CLEAN,
    SMAPS_PRIVATE_DIRTY,
    SMAPS_ANONYMOUS,
    SMAPS_ANON_HUGE,
    SMAPS_SHMEM_HUGE,
    SMAPS_FILE_HUGE,
    SMAPS_SWAP,
    SMAPS_SWAP_PSS,
    SMAPS_KEY_COUNT,
};

/* In the order of the file. */
static const char *const smaps_keys[SMAPS_KEY_COUNT] = {
    [SMAPS_RSS] = "Rss",
    [SMAPS_PSS] = "Pss",
    [SMAPS_PRIVATE_CLEAN] = "Private_Clean",
    [SMAPS_PRIVATE_DIRTY] = "Private_Dirty",
    [SMAPS_ANONYMOUS] = "Anonymous",
    [SMAPS_ANON_HUGE] = "AnonHugePages",
    [SMAPS_SHMEM_HUGE] = "ShmemPmdMapped",
    [SMAPS_FILE_HUGE] = "FilePmdMapped",
    [SMAPS_SWAP] = "Swap",
    [SMAPS_SWAP_PSS] = "SwapPss",
};

/* Since 2.6.32 at the latest. Anonymous came with 2.6.37, huge pages with 2.6.38, SwapPss with 4.3
 * and huge pages of files and shared memory with 4.8 and 5.4, before which there were none. */
#define SMAPS_REQUIRED                                                                             \
    (UINT32_C(1) << SMAPS_RSS | UINT32_C(1) << SMAPS_PSS | UINT32_C(1) << SMAPS_PRIVATE_CLEAN |    \
     UINT32_C(1) << SMAPS_PRIVATE_DIRTY | UINT32_C(1) << SMAPS_SWAP)

/* The first line of a range begins with its address, all others with a capital letter. */
static bool smaps_begins_range(char first)
{
    return (first >= '0' && first <= '9') || (first >= 'a' && first <= 'f');
}

/* Length of the range at the front of the text, all its lines; 0: its end is not in the text. */
static size_t smaps_range_length(const char *text, size_t length, bool ended)
{
    const char *line = text, *end = text + length;
    for (;;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        if (!newline)
            return 0;
        line = newline + 1;
        if (line == end)
            return ended ? length : 0;
        if (smaps_begins_range(*line))
            return (size_t)(line - text);
    }
}

/* All lines of one range. */
static bool smaps_parse_range(const char *text, size_t length, struct mapping *ret_mapping)
{
    struct proc_mapping range;
    const char *newline = memchr(text, '\n', length);
    size_t first = newline ? (size_t)(newline - text) : length;
    if (!proc_maps_parse(text, first, &range))
        return false;
    int64_t values[SMAPS_KEY_COUNT];
    for (size_t i = 0; i < SMAPS_KEY_COUNT; i++)
        values[i] = -1;
    uint32_t present =
        keyed_parse(text + first + 1, length - first - 1, smaps_keys, SMAPS_KEY_COUNT, values);
    if ((present & SMAPS_REQUIRED) != SMAPS_REQUIRED)
        return false;
    int64_t huge = values[SMAPS_ANON_HUGE];
    for (enum smaps_key key = SMAPS_SHMEM_HUGE; huge >= 0 && key <= SMAPS_FILE_HUGE; key++)
        huge += values[key] > 0 ? values[key] : 0;
    *ret_mapping = (struct mapping){
        .start = range.start,
        .end = range.end,
        .readable = range.readable,
        .writable = range.writable,
        .executable = range.executable,
        .shared = range.shared,
        .inode = range.inode,
        .name = range.name,
        .name_length = range.name_length,
        .rss = values[SMAPS_RSS],
        .pss = values[SMAPS_PSS],
        .private_bytes = values[SMAPS_PRIVATE_CLEAN] + values[SMAPS_PRIVATE_DIRTY],
        .anonymous = values[SMAPS_ANONYMOUS],
        .huge = huge,
        .swap = values[SMAPS_SWAP],
        .swap_pss = values[SMAPS_SWAP_PSS],
    };
    return true;
}

/* All ranges that end in the text. *ret_taken: how many bytes they are. */
static enum outcome smaps_visit_whole(const char *text, size_t length, bool ended,
                                      proc_smaps_visit visit, void *context, size_t *ret_taken)
{
    size_t taken = 0;
    while (taken < length) {
        struct mapping mapping;
        size_t range = smaps_range_length(text + taken, length - taken, ended);
        if (range == 0)
            break;
        if (!smaps_parse_range(text + taken, range, &mapping))
            return OUTCOME_MALFORMED;
        visit(context, &mapping);
        taken += range;
    }
    *ret_taken = taken;
    return OUTCOME_OK;
}

enum outcome proc_smaps_parse(const char *text, size_t length, proc_smaps_visit visit,
                              void *context)
{
    size_t taken;
    enum outcome outcome = smaps_visit_whole(text, length, true, visit, context, &taken);
    if (outcome != OUTCOME_OK)
        return outcome;
    if (length == 0)
        return OUTCOME_GONE;
    return taken == length ? OUTCOME_OK : OUTCOME_MALFORMED;
}

static enum outcome smaps_read(int fd, char *text, size_t size, size_t *ret_length)
{
    ssize_t n;
    do
        n = read(fd, text, size);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return outcome_of_process(-errno);
    *ret_length = (size_t)n;
    return OUTCOME_OK;
}

static enum outcome smaps_walk_file(int fd, proc_smaps_visit visit, void *context)
{
    char text[SMAPS_BUFFER_SIZE];
    size_t length = 0, taken = 0, more = 0;
    bool any = false;
    do {
        memmove(text, text + taken, length - taken);
        length -= taken;
        /* No range of the kernel's fills the buffer. */
        if (length == sizeof(text))
            return OUTCOME_MALFORMED;
        enum outcome outcome = smaps_read(fd, text + length, sizeof(text) - length, &more);
        if (outcome != OUTCOME_OK)
            return outcome;
        length += more;
        outcome = smaps_visit_whole(text, length, more == 0, visit, context, &taken);
        if (outcome != OUTCOME_OK)
            return outcome;
        any |= length > 0;
    } while (more > 0);
    if (!any)
        return OUTCOME_GONE;
    return taken == length ? OUTCOME_OK : OUTCOME_MALFORMED;
}

enum outcome proc_smaps_walk(int proc, pid_t pid, proc_smaps_visit visit, void *context)
{
    char path[PROC_PATH_SIZE];
    proc_path(pid, "smaps", path);
    _cleanup_(closep) int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return outcome_of_process(-errno);
    return smaps_walk_file(fd, visit, context);
}
