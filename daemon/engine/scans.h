/* SPDX-License-Identifier: MIT */
/*
 * Python processes without an agent that counts their pools are scanned from outside: whose turn it
 * is, part after part, at most one scan at a time and so many bytes a tick, and the sum into the
 * process table. Loop thread only.
 */
#ifndef MEMTEND_ENGINE_SCANS_H
#define MEMTEND_ENGINE_SCANS_H

#include "engine/probe_client.h"
#include "model/process.h"

#include <stdbool.h>
#include <sys/types.h>

struct head;

struct scans {
    size_t cursor;        /* in the table: where the search for the next one goes on */
    size_t looked;        /* at processes in this tick */
    unsigned parts;       /* left in this tick */
    uint64_t bytes;       /* left in this tick */
    bool active, waiting; /* a scan is under way; a part of it was asked for */
    uint32_t sequence;    /* of that part */
    struct process_id id; /* of the process */
    uint64_t exec_mark;   /* what it runs; 0 = not yet known */
    bool guessed; /* its version is not known, so that pools of the other size may be there */
    struct probe_scan_part part; /* the next one */
    struct probe_pools sum;
    uid_t user;                     /* that we run as */
    bool said_memory, said_pagemap; /* that a right is missing, once */
};

void scans_on_tick(struct head *head, uint64_t now_usec);
/* False: it was not for a scan. */
bool scans_on_answer(struct head *head, const struct probe_answer *answer);
/* The process runs another program now: what is known of its pools is not its own. */
/* A person asks about it: its turn is next, when the scan under way has ended. The pause after a
 * scan that found no pools, or was refused, stays. */
void scans_ask(struct head *head, const struct process *process);
void scans_on_exec(struct head *head, struct process *process);

#endif
