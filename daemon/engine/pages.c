/* SPDX-License-Identifier: MIT */
#include "engine/pages.h"

#include <sys/mman.h>

void *pages_map(size_t count, size_t size)
{
    void *memory = mmap(NULL, count * size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void pages_unmap(void *memory, size_t count, size_t size)
{
    if (memory)
        munmap(memory, count * size);
}

void pages_release(void *memory, size_t count, size_t size)
{
    madvise(memory, count * size, MADV_DONTNEED);
}
