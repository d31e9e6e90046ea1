/* SPDX-License-Identifier: MIT */
/*
 * PID/cgroup: where a process lives, the systemd unit that this place belongs to, and where its
 * memory is counted. Any thread.
 */
#ifndef MEMTEND_COLLECT_PROC_CGROUP_H
#define MEMTEND_COLLECT_PROC_CGROUP_H

#include "collect/outcome.h"
#include "model/process.h"

#define PROC_CGROUP_PATH_SIZE 4096

struct proc_cgroup {
    bool unified; /* path is of cgroup v2; else of the v1 hierarchy that systemd uses */
    char path[PROC_CGROUP_PATH_SIZE]; /* "/system.slice/x.service", raw bytes of a file name */
    bool memory_unified; /* the next one is of v2; else of the v1 hierarchy that counts memory */
    char memory_path[PROC_CGROUP_PATH_SIZE]; /* "" = neither is there */
};

enum outcome proc_cgroup_read(int proc, pid_t pid, struct proc_cgroup *ret_cgroup);
/*
 * The bytes of the file; pure. Takes the v2 line, or that of systemd's own v1 hierarchy when the
 * v2 one says "/" (hybrid hosts). OUTCOME_OK or OUTCOME_MALFORMED.
 */
enum outcome proc_cgroup_parse(const char *text, size_t length, struct proc_cgroup *ret_cgroup);

/*
 * The unit, clean: "nginx.service", "session-3.scope", "docker-….scope"; below user@UID.service
 * the user's own unit. false when the path names none, or one longer than fits.
 */
bool cgroup_unit(const char *path, char ret_unit[static PROCESS_UNIT_SIZE]);

#endif
