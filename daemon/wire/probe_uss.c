/* SPDX-License-Identifier: MIT */
#include "wire/probe_uss.h"

#include <errno.h>
#include <string.h>

/* More than any address space; sums of parts cannot overflow. */
#define USS_MAX_BYTES (UINT64_C(1) << 57)

_Static_assert(sizeof(struct probe_uss) == PROBE_USS_SIZE, "no padding in a part");

void probe_uss_add(struct probe_uss *sum, const struct probe_uss *part)
{
    sum->exclusive_bytes += part->exclusive_bytes;
    sum->present_bytes += part->present_bytes;
    sum->swapped_bytes += part->swapped_bytes;
}

void probe_uss_encode(const struct probe_uss *uss, unsigned char ret_payload[static PROBE_USS_SIZE])
{
    memcpy(ret_payload, uss, PROBE_USS_SIZE);
}

int probe_uss_decode(const char *payload, size_t size, struct probe_uss *ret_uss)
{
    struct probe_uss uss;
    if (size != sizeof(uss))
        return -EBADMSG;
    memcpy(&uss, payload, sizeof(uss));
    if (uss.exclusive_bytes > uss.present_bytes || uss.present_bytes > USS_MAX_BYTES ||
        uss.swapped_bytes > USS_MAX_BYTES)
        return -EBADMSG;
    *ret_uss = uss;
    return 0;
}
