/* SPDX-License-Identifier: MIT */
/*
 * Renames a database that cannot be used, with its -wal and -shm, so that a person can still look
 * at it: memtend.db.20261122T104118Z.damaged. No connection may be open on it.
 */
#ifndef MEMTEND_STORAGE_SET_ASIDE_H
#define MEMTEND_STORAGE_SET_ASIDE_H

#include "storage/store.h"

#include <stdint.h>

/* `why`: "damaged", "newer" or "replaced". The new name, without folder, goes to ret_name. */
int set_aside(const char *directory, const char *why, uint64_t wall_usec,
              char ret_name[static STORE_ASIDE_SIZE]);

/* A second name of the same kind for the database alone, which stays: -EPERM and others where the
 * file system has no links. */
int set_aside_link(const char *directory, const char *why, uint64_t wall_usec,
                   char ret_name[static STORE_ASIDE_SIZE]);

#endif
