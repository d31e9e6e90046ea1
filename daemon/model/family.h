/* SPDX-License-Identifier: MIT */
/*
 * What a command line says about worker families: which server or program its processes belong
 * to, how such a family is named, and which part a process plays that does not come from a fork
 * alone. Pure; any thread. Everything read here was chosen by the process and is hostile.
 */
#ifndef MEMTEND_MODEL_FAMILY_H
#define MEMTEND_MODEL_FAMILY_H

#include "model/group.h"

enum family_part {
    FAMILY_PART_ANY,        /* nothing special: master or worker by its forks */
    FAMILY_PART_SERVER,     /* a server that has workers, even when it has none at the moment */
    FAMILY_PART_SPAWNED,    /* a worker that multiprocessing started as a program of its own */
    FAMILY_PART_FORKSERVER, /* multiprocessing's, or what it forked */
    FAMILY_PART_TRACKER,    /* multiprocessing's, of semaphores and shared memory */
    FAMILY_PART_STRANGER,   /* forks for other reasons than workers: shells, log-ins, init */
};

struct family_label {
    enum group_kind kind; /* one of a family */
    enum family_part part;
    char name[GROUP_NAME_SIZE]; /* "gunicorn:web:app", "python etl.py"; "" = not known */
};

/*
 * `bytes` as of PID/cmdline; `redacted` is its text without secrets (cmdline_redact()): what does
 * not stand there is not in the name either, but for scripts, modules and programs.
 */
void family_recognise(const char *bytes, size_t length, const char *redacted,
                      struct family_label *ret_label);

#endif
