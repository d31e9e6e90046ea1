/* SPDX-License-Identifier: MIT */
/*
 * The daemon's settings: an INI text like systemd's, turned into a struct by one table of items.
 * Plain data, filled once at start and again at reload; the loop thread owns the one in force.
 * Only config_load() touches files.
 */
#ifndef MEMTEND_CONFIG_CONFIG_H
#define MEMTEND_CONFIG_CONFIG_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/pattern.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_PATH_SIZE    512
#define CONFIG_ADDRESS_SIZE 64
#define CONFIG_GROUP_SIZE   33    /* 32 bytes is the longest group name of useradd(8) */
#define CONFIG_TEXT_LIMIT   65536 /* bytes of one file */
#define CONFIG_FILE_LIMIT   64    /* drop-ins */
#define CONFIG_ERROR_LIMIT  32

/* Each is asked about every process once; more than that many budgets nobody names by hand. */
#define CONFIG_GROUPS_LIMIT     32
#define CONFIG_GROUP_NAME_SIZE  64
#define CONFIG_GROUP_MATCH_SIZE 96 /* longest unit and agent name */

/* Where a value was written, for errors that only show when all files have been read. */
struct config_place {
    char file[CONFIG_PATH_SIZE]; /* "" = nowhere: the default, or the command line */
    int line, column;
};

/* Whose Python processes the probe may scan for pools, where no agent tells about them. */
enum config_outside_scan {
    CONFIG_OUTSIDE_SCAN_SAME_UID, /* those of the user that the daemon runs as */
    CONFIG_OUTSIDE_SCAN_ALL,      /* as far as the kernel lets the probe */
    CONFIG_OUTSIDE_SCAN_OFF,
};

/* As many descriptors of PID/statm as limits and memory let. */
#define CONFIG_KEPT_FILES_AUTO UINT64_MAX

/* [Group NAME]: whatever is not "" must fit. */
struct config_group {
    char name[CONFIG_GROUP_NAME_SIZE];
    char unit[CONFIG_GROUP_MATCH_SIZE];       /* with * and ?, as fnmatch(3) */
    char agent_name[CONFIG_GROUP_MATCH_SIZE]; /* the same, of `memtend run --name` */
    char cmdline[PATTERN_LENGTH_LIMIT + 1];   /* an expression that pattern_compile() takes */
    struct config_place place;
};

struct config {
    /* [Daemon] */
    uint64_t tick_usec;
    uint64_t slow_period_usec;
    uint64_t max_processes;
    uint64_t kept_files;                      /* CONFIG_KEPT_FILES_AUTO: as many as fit */
    char state_directory[CONFIG_PATH_SIZE];   /* "" = by the user who runs it */
    char runtime_directory[CONFIG_PATH_SIZE]; /* "" = by the user who runs it */
    char cgroup_directory[CONFIG_PATH_SIZE];  /* "" = where it is mounted */
    /* [HTTP] */
    bool http_listen;                       /* false: no TCP at all */
    char http_address[CONFIG_ADDRESS_SIZE]; /* numeric, IPv6 without brackets */
    uint16_t http_port;                     /* 0 = the kernel chooses */
    bool allow_non_loopback;
    char admin_group[CONFIG_GROUP_SIZE]; /* "" = none */
    struct config_place http_place;
    /* [Store] */
    uint64_t keep_samples_usec;
    uint64_t keep_minutes_usec;
    uint64_t keep_hours_usec;
    uint64_t keep_events_usec;
    uint64_t max_size_bytes;
    /* [Actions] */
    uint64_t grace_usec;         /* after daemon start and after a process is first seen */
    uint64_t actions_per_minute; /* automatic steps on the host */
    /* [Probe] */
    bool probe;
    uint64_t deep_budget_permyriad; /* of one core, for smaps_rollup and the like */
    enum config_outside_scan outside_scan;
    /* [Group NAME] */
    size_t group_count;
    struct config_group groups[CONFIG_GROUPS_LIMIT]; /* in the order of the files */
};

struct config_error {
    char file[CONFIG_PATH_SIZE];
    struct error error;
};

struct config_errors {
    size_t count; /* may exceed what is kept */
    struct config_error items[CONFIG_ERROR_LIMIT];
};

void config_init(struct config *config); /* the defaults */

/*
 * Read one text over what is already in config; `file` is only named in errors. Every error is
 * collected; values with an error keep what they had. 0, or -EINVAL when there was any.
 */
int config_parse(struct config *config, const char *file, const char *text, size_t length,
                 struct config_errors *errors);
/* One value, as from the command line: config_set(c, "HTTP", "Listen", "127.0.0.1:0", &error). */
int config_set(struct config *config, const char *section, const char *key, const char *value,
               struct error *error);
/*
 * What depends on several values: a TCP address that is not loopback must be allowed, a group must
 * say which processes are in it. -EINVAL.
 */
int config_check(const struct config *config, struct config_errors *errors);

/*
 * FILE and then the *.conf of conf.d beside it, sorted by name, over the defaults; then
 * config_check(). An absent file or folder is no error unless must_exist says so for FILE.
 * *ret_config is untouched when anything is wrong. 0, -EINVAL or -errno, with errors filled.
 */
int config_load(const char *path, bool must_exist, struct config *ret_config,
                struct config_errors *errors);

/* Every item with its section, default, range and meaning, as an annotated configuration file. */
int config_format_help(struct buffer *buffer);

#endif
