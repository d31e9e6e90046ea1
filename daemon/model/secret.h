/* SPDX-License-Identifier: MIT */
/*
 * What looks like a secret: by its name, or by itself. Guesses, made to hide rather too much. Pure;
 * any thread.
 */
#ifndef MEMTEND_MODEL_SECRET_H
#define MEMTEND_MODEL_SECRET_H

#include <stdbool.h>
#include <stddef.h>

enum secret_name {
    SECRET_NAME_NO,
    SECRET_NAME_WEAK, /* says key or auth: in "auth:app" it may be a module */
    SECRET_NAME_STRONG,
};

/* Of an option or variable. */
enum secret_name secret_name(const char *name, size_t length);

/* A run of letters, digits and "_-+/" that is a known kind of token or just random. */
bool secret_value(const char *bytes, size_t length);

#endif
