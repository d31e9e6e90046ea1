/* SPDX-License-Identifier: MIT */
#include "base/digest.h"

#include <errno.h>
#include <nettle/base16.h>
#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <string.h>
#include <sys/random.h>

#define DIGEST_RANDOM_MAX 32

void digest_sha256(const void *data, size_t size, char ret_hex[static DIGEST_HEX_SIZE])
{
    struct sha256_ctx context;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&context);
    sha256_update(&context, size, data);
    sha256_digest(&context, sizeof(digest), digest);
    base16_encode_update(ret_hex, sizeof(digest), digest);
    ret_hex[DIGEST_HEX_SIZE - 1] = '\0';
}

int digest_random_hex(size_t bytes, char *ret_hex)
{
    uint8_t random[DIGEST_RANDOM_MAX];
    if (bytes > sizeof(random))
        return -EINVAL;
    ssize_t n = getrandom(random, bytes, 0);
    if (n != (ssize_t)bytes)
        return n < 0 ? -errno : -EIO;
    base16_encode_update(ret_hex, bytes, random);
    ret_hex[bytes * 2] = '\0';
    return 0;
}

bool digest_equal(const char *a, const char *b)
{
    size_t length_a = strlen(a), length_b = strlen(b);
    return length_a == length_b && memeql_sec(a, b, length_a);
}
