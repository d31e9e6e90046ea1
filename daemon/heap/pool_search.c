/* SPDX-License-Identifier: MIT */
#include "heap/pool_search.h"

bool pool_search_on_file(void *context, bool executed, const char *name, size_t length)
{
    struct pool_search *search = context;
    struct cpython version = {0};
    if (!cpython_of_file(name, length, &version) || (!executed && version.major == 0))
        return false;
    search->is_cpython = true;
    search->version = version;
    return version.major > 0;
}

uint32_t pool_search_bytes(const struct pool_search *search)
{
    uint32_t bytes = pool_bytes_of_version(search->version.major, search->version.minor);
    return bytes ? bytes : POOL_BYTES_NEW;
}

void pool_search_on_head(void *context, uint64_t address, const unsigned char *bytes)
{
    struct pool_search *search = context;
    struct pool_head head;
    if (pool_head_parse(bytes, address, search->pool_bytes, &head))
        pool_tally_add(&search->tally, address, search->pool_bytes, &head);
}
