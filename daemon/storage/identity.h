/* SPDX-License-Identifier: MIT */
/*
 * Whose database a file is, by its application_id, read without opening a database: that could
 * roll a stranger's journal back and would leave a log and an index beside his file. Any thread.
 */
#ifndef MEMTEND_STORAGE_IDENTITY_H
#define MEMTEND_STORAGE_IDENTITY_H

/*
 * -EMEDIUMTYPE: a database of another program, which is not to be touched. 0: one of ours, an empty
 * one, or no sound database at all, which the caller finds out; -errno when it cannot be read
 * (-ENOENT: there is none; -EINVAL: it is no plain file).
 */
int identity_check(const char *path);

#endif
