/* SPDX-License-Identifier: MIT */
/*
 * What the files of a systemd service say: its fragment and its drop-ins below a root directory,
 * read as systemd.unit(5) orders them. Only what a drop-in of ours must heed is understood: the
 * settings of [Service], in the order in which they take effect. No process is asked.
 */
#ifndef MEMTEND_CLI_UNIT_H
#define MEMTEND_CLI_UNIT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define UNIT_NAME_SIZE 256 /* as systemd's */
#define UNIT_DROPIN    "50-memtend.conf"
#define UNIT_WORD_SIZE PATH_MAX

struct unit_setting {
    char *key, *value;
    bool late; /* from a drop-in that sorts behind ours */
};

struct unit {
    char name[UNIT_NAME_SIZE];
    bool known; /* there is a fragment */
    bool masked;
    size_t count;
    struct unit_setting *settings; /* without those of our own drop-in */
};

/* "nginx" -> "nginx.service". 0, or -EINVAL after a message. */
int unit_take_name(const char *given, char ret_name[static UNIT_NAME_SIZE]);
/* Opens an absolute path below the root, whatever links are on the way. A descriptor or -errno. */
int unit_open(int root, const char *path, int flags);
/* 0, or -errno after a message. Finish it in any case. */
int unit_read(int root, const char *name, struct unit *unit);
void unit_finish(struct unit *unit);

/* The last value of a setting; NULL when there is none. */
const char *unit_last(const struct unit *unit, const char *key);
/* yes, true, on or 1 */
bool unit_is_on(const struct unit *unit, const char *key);
/*
 * The next word of a value, without its quotes; a backslash stays as it is. False at the end. A
 * word that does not fit is cut.
 */
bool unit_next_word(const char **at, char ret_word[static UNIT_WORD_SIZE]);

#endif
