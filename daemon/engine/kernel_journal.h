/* SPDX-License-Identifier: MIT */
/*
 * The kernel's log as systemd's journal keeps it, for whoever may not read /dev/kmsg: whom the OOM
 * killer killed. Only what journald itself took from the kernel counts (fields with an underscore
 * are its own), of this boot, from after the start. The journal is files on a disk, so a thread of
 * its own reads it once a second; the loop takes what it found. Kills come some seconds late.
 */
#ifndef MEMTEND_ENGINE_KERNEL_JOURNAL_H
#define MEMTEND_ENGINE_KERNEL_JOURNAL_H

#include "collect/kmsg.h"

enum kernel_journal_state {
    KERNEL_JOURNAL_ABSENT, /* there is none, or nothing of the kernel in it (yet) */
    KERNEL_JOURNAL_DENIED, /* the right to read it is missing: the group systemd-journal */
    KERNEL_JOURNAL_READ,
};

struct kernel_journal;

/* directory NULL: the system's. Starts the thread. 0 or -errno. */
int kernel_journal_new(const char *directory, struct kernel_journal **ret_journal);
/* Waits for the thread, which may be in a read of a disk. NULL is fine. */
void kernel_journal_free(struct kernel_journal *journal);

/* The rest is the loop's, and waits for nothing. NULL: no journal. */
enum kernel_journal_state kernel_journal_state(struct kernel_journal *journal);
void kernel_journal_take(struct kernel_journal *journal,
                         void (*on_kill)(void *context, const struct kmsg_record *kill),
                         void *context);

/*
 * A message as kmsg_parse() wants it, a line of /dev/kmsg: what that escapes is escaped again, so
 * that a message holds one line. Returns the length, without the NUL; a longer message is cut.
 * Pure.
 */
size_t kernel_journal_line(const char *message, size_t length, uint64_t usec, char *ret_line,
                           size_t size);

#endif
