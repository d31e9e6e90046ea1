/* SPDX-License-Identifier: MIT */
#include "engine/kernel_journal.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>
#include <time.h>

#define JOURNAL_POLL_SECONDS 1
/* Of a flood of the kernel's messages in one turn; the others have their turn then. */
#define JOURNAL_ENTRIES 2000
/* Kills that wait for the loop, which takes them each tick; more is a machine that has other
 * troubles, and counters have them all. */
#define JOURNAL_KILLS 64
/* Those of an OOM kill have 300 bytes and a path. */
#define JOURNAL_MESSAGE_BYTES 4096
#define JOURNAL_LINE_BYTES    (4 * JOURNAL_MESSAGE_BYTES)
/* libsystemd has buffers of some pages on its stack. */
#define JOURNAL_STACK ((size_t)256 << 10)

struct kernel_journal {
    char *directory; /* NULL = the system's */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stop_said;
    /* Under the lock. */
    bool stop;
    enum kernel_journal_state state;
    size_t count;
    struct kmsg_record kills[JOURNAL_KILLS];
    /* The thread's. */
    struct kmsg_follower follower;
    char line[JOURNAL_LINE_BYTES];
};

size_t kernel_journal_line(const char *message, size_t length, uint64_t usec, char *ret_line,
                           size_t size)
{
    static const char digits[] = "0123456789abcdef";
    int prefix = snprintf(ret_line, size, "6,0,%" PRIu64 ",-;", usec);
    size_t at = (size_t)prefix < size ? (size_t)prefix : 0;
    for (size_t i = 0; i < length && size - at > 4; i++) {
        unsigned char byte = (unsigned char)message[i];
        if (byte >= ' ' && byte < 127 && byte != '\\') {
            ret_line[at++] = (char)byte;
            continue;
        }
        ret_line[at++] = '\\';
        ret_line[at++] = 'x';
        ret_line[at++] = digits[byte >> 4];
        ret_line[at++] = digits[byte & 15];
    }
    ret_line[at] = '\0';
    return at;
}

/* ---- the thread ---- */

static void journal_closep(sd_journal **journal)
{
    sd_journal_close(*journal); /* NULL is fine */
}

static void set_state(struct kernel_journal *journal, enum kernel_journal_state state)
{
    pthread_mutex_lock(&journal->lock);
    journal->state = state;
    pthread_mutex_unlock(&journal->lock);
}

/* False: it is to stop. */
static bool wait_a_turn(struct kernel_journal *journal)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += JOURNAL_POLL_SECONDS;
    pthread_mutex_lock(&journal->lock);
    while (!journal->stop &&
           pthread_cond_timedwait(&journal->stop_said, &journal->lock, &until) == 0)
        ;
    bool go_on = !journal->stop;
    pthread_mutex_unlock(&journal->lock);
    return go_on;
}

/* The text behind "NAME=" of the entry that is looked at. */
static bool entry_field(sd_journal *source, const char *name, const char **ret_text,
                        size_t *ret_length)
{
    const void *data;
    size_t length, skip = strlen(name) + 1;
    if (sd_journal_get_data(source, name, &data, &length) < 0 || length < skip)
        return false;
    *ret_text = (const char *)data + skip;
    *ret_length = length - skip;
    return true;
}

/* When the kernel said it; when journald heard it, where the former is not kept. */
static uint64_t entry_usec(sd_journal *source)
{
    const char *text;
    size_t length, used;
    uint64_t usec = 0;
    sd_id128_t boot;
    if (entry_field(source, "_SOURCE_MONOTONIC_TIMESTAMP", &text, &length) &&
        text_scan_u64(text, length, &usec, &used) == 0 && used == length)
        return usec;
    return sd_journal_get_monotonic_usec(source, &usec, &boot) < 0 ? 0 : usec;
}

static void take_entry(struct kernel_journal *journal, sd_journal *source)
{
    const char *message;
    struct kmsg_record record;
    size_t length;
    uint64_t usec = entry_usec(source);
    if (!entry_field(source, "MESSAGE", &message, &length) || length > JOURNAL_MESSAGE_BYTES)
        return;
    length = kernel_journal_line(message, length, usec, journal->line, sizeof(journal->line));
    if (!kmsg_parse(journal->line, length, &record) || !kmsg_follow(&journal->follower, &record))
        return;
    pthread_mutex_lock(&journal->lock);
    if (journal->count < JOURNAL_KILLS)
        journal->kills[journal->count++] = record;
    pthread_mutex_unlock(&journal->lock);
}

/* What is not there yet may be there later: the files are looked at again each turn. */
static void read_entries(struct kernel_journal *journal, sd_journal *source)
{
    bool known = journal->state == KERNEL_JOURNAL_READ; /* only this thread changes it */
    sd_journal_process(source);
    for (int i = 0; i < JOURNAL_ENTRIES && sd_journal_next(source) > 0; i++) {
        if (!known)
            set_state(journal, KERNEL_JOURNAL_READ);
        known = true;
        take_entry(journal, source);
    }
}

/* True: it may not be read. Without the right, libsystemd shows an empty journal. */
static bool is_denied(void)
{
    static const char *const homes[] = {"/var/log/journal", "/run/log/journal"};
    char id[SD_ID128_STRING_MAX], path[128];
    sd_id128_t machine;
    if (sd_id128_get_machine(&machine) < 0)
        return false;
    sd_id128_to_string(machine, id);
    for (size_t i = 0; i < sizeof(homes) / sizeof(homes[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s/system.journal", homes[i], id);
        if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) < 0 && errno == EACCES)
            return true;
    }
    return false;
}

static int add_matches(sd_journal *source)
{
    char boot[32 + SD_ID128_STRING_MAX] = "_BOOT_ID=";
    sd_id128_t id;
    int r = sd_id128_get_boot(&id);
    if (r < 0)
        return r;
    sd_id128_to_string(id, boot + strlen(boot));
    /* Who writes to /dev/kmsg is not the kernel, and the kernel gives him another facility. */
    const char *const matches[] = {"_TRANSPORT=kernel", "SYSLOG_FACILITY=0", boot};
    for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]) && r >= 0; i++)
        r = sd_journal_add_match(source, matches[i], 0);
    return r;
}

/* Behind its last entry. */
static int open_source(const struct kernel_journal *journal, sd_journal **ret_source,
                       enum kernel_journal_state *ret_state)
{
    _cleanup_(journal_closep) sd_journal *source = NULL;
    int r = journal->directory
                ? sd_journal_open_directory(&source, journal->directory, 0)
                : sd_journal_open(&source, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
    if (r >= 0)
        r = add_matches(source);
    if (r >= 0)
        r = sd_journal_set_data_threshold(source, JOURNAL_MESSAGE_BYTES + sizeof("MESSAGE="));
    if (r >= 0)
        r = sd_journal_get_fd(source); /* before the first look, so that new files are seen */
    if (r >= 0)
        r = sd_journal_seek_tail(source);
    if (r >= 0)
        r = sd_journal_previous(source);
    if (r < 0)
        return r;
    *ret_state = r > 0                                  ? KERNEL_JOURNAL_READ
                 : (!journal->directory && is_denied()) ? KERNEL_JOURNAL_DENIED
                                                        : KERNEL_JOURNAL_ABSENT;
    /* Nothing of this boot so far: whatever comes is new. */
    if (r == 0)
        sd_journal_seek_head(source);
    *ret_source = STEAL(source);
    return 0;
}

static void *journal_run(void *context)
{
    struct kernel_journal *journal = context;
    _cleanup_(journal_closep) sd_journal *source = NULL;
    enum kernel_journal_state state;
    int r = open_source(journal, &source, &state);
    if (r < 0) {
        set_state(journal,
                  r == -EACCES || r == -EPERM ? KERNEL_JOURNAL_DENIED : KERNEL_JOURNAL_ABSENT);
        return NULL;
    }
    set_state(journal, state);
    if (state == KERNEL_JOURNAL_DENIED)
        return NULL; /* rights are those of the start */
    while (wait_a_turn(journal))
        read_entries(journal, source);
    return NULL;
}

/* ---- the loop ---- */

static int thread_start(struct kernel_journal *journal)
{
    pthread_attr_t attributes;
    int r = pthread_attr_init(&attributes);
    if (r != 0)
        return -r;
    r = pthread_attr_setstacksize(&attributes, JOURNAL_STACK);
    if (r == 0)
        r = pthread_create(&journal->thread, &attributes, journal_run, journal);
    pthread_attr_destroy(&attributes);
    return -r;
}

static void journal_drop(struct kernel_journal *journal)
{
    pthread_cond_destroy(&journal->stop_said);
    pthread_mutex_destroy(&journal->lock);
    free(journal->directory);
    free(journal);
}

int kernel_journal_new(const char *directory, struct kernel_journal **ret_journal)
{
    struct kernel_journal *journal = calloc(1, sizeof(*journal));
    if (!journal)
        return -ENOMEM;
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&journal->stop_said, &clock);
    pthread_condattr_destroy(&clock);
    pthread_mutex_init(&journal->lock, NULL);
    journal->directory = directory ? strdup(directory) : NULL;
    int r = directory && !journal->directory ? -ENOMEM : thread_start(journal);
    if (r < 0) {
        journal_drop(journal);
        return r;
    }
    *ret_journal = journal;
    return 0;
}

void kernel_journal_free(struct kernel_journal *journal)
{
    if (!journal)
        return;
    pthread_mutex_lock(&journal->lock);
    journal->stop = true;
    pthread_cond_signal(&journal->stop_said);
    pthread_mutex_unlock(&journal->lock);
    pthread_join(journal->thread, NULL);
    journal_drop(journal);
}

enum kernel_journal_state kernel_journal_state(struct kernel_journal *journal)
{
    if (!journal)
        return KERNEL_JOURNAL_ABSENT;
    pthread_mutex_lock(&journal->lock);
    enum kernel_journal_state state = journal->state;
    pthread_mutex_unlock(&journal->lock);
    return state;
}

void kernel_journal_take(struct kernel_journal *journal,
                         void (*on_kill)(void *context, const struct kmsg_record *kill),
                         void *context)
{
    struct kmsg_record kills[JOURNAL_KILLS];
    if (!journal)
        return;
    pthread_mutex_lock(&journal->lock);
    size_t count = journal->count;
    memcpy(kills, journal->kills, count * sizeof(*kills));
    journal->count = 0;
    pthread_mutex_unlock(&journal->lock);
    for (size_t i = 0; i < count; i++)
        on_kill(context, &kills[i]);
}
