/* SPDX-License-Identifier: MIT */
/*
 * SHA-256, secrets from the kernel and their comparison; the only user of nettle. Any thread.
 */
#ifndef MEMTEND_BASE_DIGEST_H
#define MEMTEND_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_HEX_SIZE 65 /* 64 lower-case hex digits and NUL */

void digest_sha256(const void *data, size_t size, char ret_hex[static DIGEST_HEX_SIZE]);
/* bytes * 2 hex digits and NUL from getrandom(2); bytes <= 32. 0 or -errno. */
int digest_random_hex(size_t bytes, char *ret_hex);
/* Time does not depend on where the texts differ. */
bool digest_equal(const char *a, const char *b);

#endif
