/* SPDX-License-Identifier: MIT */
/*
 * What the dynamic linker will make of a program: can a library be preloaded into it? Looks at the
 * file only, never runs it. Whatever cannot be read or understood counts as a plain program: the
 * kernel and the dynamic linker say the rest themselves.
 */
#ifndef MEMTEND_CLI_PROGRAM_H
#define MEMTEND_CLI_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

enum program_kind {
    PROGRAM_PLAIN,
    PROGRAM_STATIC,     /* no dynamic linker runs in it */
    PROGRAM_PRIVILEGED, /* gets rights that its caller lacks: LD_PRELOAD is not obeyed */
    PROGRAM_FOREIGN,    /* for another processor or word size than this one */
};

struct program {
    char path[PATH_MAX]; /* the file that was judged: for a script, its interpreter */
    enum program_kind kind;
    bool musl; /* its dynamic linker is musl's */
    bool asan; /* links AddressSanitizer's library, which checks that it is loaded first */
};

/* Where execvp(3) would find the command. 0, or -ENOENT. */
int program_find(const char *command, char ret_path[static PATH_MAX]);
/* Follows #! and, when it is env(1), the program that env is asked for. */
void program_look(const char *path, struct program *ret_program);
/* Is this an ELF file for this processor? */
bool program_is_native(const char *path);

#endif
