/* SPDX-License-Identifier: MIT */
/*
 * What kind of file this is, and making a new one. Used when the store is opened.
 */
#ifndef MEMTEND_STORAGE_SCHEMA_H
#define MEMTEND_STORAGE_SCHEMA_H

#include <sqlite3.h>
#include <stdbool.h>

#define SCHEMA_APPLICATION_ID 0x6d74656e /* "mten"; also in sql/schema/001_initial.sql */
#define SCHEMA_VERSION        5          /* of the last file there */

enum schema_state {
    SCHEMA_EMPTY,   /* a database without any table: make it */
    SCHEMA_CURRENT, /* ours, this version, sound as far as looked */
    SCHEMA_OLDER,   /* ours, of an earlier memtend, as sound: upgrade it */
    SCHEMA_NEWER,   /* ours, of a later memtend */
    SCHEMA_FOREIGN, /* a database of something else */
    SCHEMA_DAMAGED,
};

/*
 * Looks at the header and checks the pages: all of them up to a size that takes about a quarter of
 * a second, above that those of rules, armings, settings and receipts only. Damage found later in
 * use is -EUCLEAN from the call that met it. -errno when the file cannot be read at all.
 */
int schema_inspect(sqlite3 *database, enum schema_state *ret_state);

/* Every page and every index, as long as it takes; *ret_sound false names damage. */
int schema_check_whole(sqlite3 *database, bool *ret_sound);

/*
 * Has it the tables and indexes that memtend gave a file of its version, and nothing else? A file
 * from elsewhere may have triggers, which would run when the store writes, or views in the place of
 * tables, which may never end. Reads the list of them only, and compares their texts: a file of
 * sql/schema that was released never changes. -ENOMEM, and those of reading.
 */
int schema_check_shape(sqlite3 *database, bool *ret_sound);

/* All tables, in the caller's transaction. Layout is set before, on the empty file. */
int schema_create(sqlite3 *database);

/* From SCHEMA_OLDER to SCHEMA_CURRENT, in a transaction of its own: whole or not at all. */
int schema_upgrade(sqlite3 *database);

#endif
