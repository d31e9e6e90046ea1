/* SPDX-License-Identifier: MIT */
/*
 * The connection to a probe, one at a time: a child of ours on a socket pair, or the socket of its
 * unit. Knows packets only as bytes. Loop thread only.
 */
#ifndef MEMTEND_ENGINE_PROBE_LINK_H
#define MEMTEND_ENGINE_PROBE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

struct probe_link;

struct probe_link_config {
    const char *socket_path; /* NULL: start a child */
    const char *proc_root;   /* for a child; NULL: /proc */
    bool other_users;        /* for a child; see probe_jail_enter() */
    void *context;
    /* One packet. The link may be closed from here. */
    void (*on_packet)(void *context, const unsigned char *packet, size_t size);
    /* The other end is gone, not because of probe_link_close(); `why` is for people. */
    void (*on_lost)(void *context, const char *why);
};

/* Not open yet. Texts are copied. */
int probe_link_new(sd_event *event, const struct probe_link_config *config,
                   struct probe_link **ret_link);
/* Ends the child and waits at most one second for its end. NULL is fine. */
void probe_link_free(struct probe_link *link);

/* Start or connect. -EAGAIN: earlier children are still ending; else -errno. */
int probe_link_open(struct probe_link *link);
/* Ends the child; its end is awaited by the loop. */
void probe_link_close(struct probe_link *link);
/* -EPIPE when not open; on any failure the link is of no use any more: close it. */
int probe_link_send(struct probe_link *link, const unsigned char *packet, size_t size);
/* Of the child; 0 when there is none. */
pid_t probe_link_pid(const struct probe_link *link);

#endif
