/* SPDX-License-Identifier: MIT */
/*
 * Where the bytes of a process's RSS are. First by kind of mapping, as one walk over PID/smaps
 * tells it (struct layers: made by heap/layers in the probe or the command line, each byte in
 * exactly one kind, so that the kinds sum to the RSS of that walk). Then as a ledger (struct
 * ledger: made by diagnose/ledger), where what the allocators say of themselves takes the place of
 * the mappings they live in; its lines sum to the same RSS, and what nobody explains has a line of
 * its own. Plain data.
 */
#ifndef MEMTEND_MODEL_LAYER_H
#define MEMTEND_MODEL_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*        id      JSON name   what */
#define MAPPING_KIND_TABLE(X)                                                                      \
    X(HEAP, "heap", "[heap]: grown by brk, where glibc's main arena lives")                        \
    X(ARENA, "arenas", "64 MiB regions of glibc's other arenas")                                   \
    X(LARGE, "large", "anonymous mappings of 8 MiB and more")                                      \
    X(ANON, "anon", "smaller anonymous mappings")                                                  \
    X(STACK, "stacks", "stacks of all threads")                                                    \
    X(FILE, "file",                                                                                \
      "mapped files, programs and libraries; also what was written to them privately")             \
    X(SHMEM, "shmem", "shared memory: /dev/shm, memfd, System V, shared anonymous")                \
    X(KERNEL, "kernel", "what the kernel maps: [vdso] and the like")

enum mapping_kind {
#define X(id, name, what) MAPPING_KIND_##id,
    MAPPING_KIND_TABLE(X)
#undef X
        MAPPING_KIND_COUNT,
};

/* The largest anonymous mappings are told one by one. */
#define LAYERS_LARGE_LIMIT     8
#define LAYERS_LARGE_MIN_BYTES (INT64_C(8) << 20)

struct layers_large {
    uint64_t start;
    int64_t size_bytes, rss_bytes;
    uint64_t born_usec; /* monotonic time at which it was first seen; 0 = there at the first look */
};

struct layers {
    uint64_t mono_usec;               /* when it was read; 0 = never */
    int64_t rss[MAPPING_KIND_COUNT];  /* sums to rss_bytes */
    int64_t swap[MAPPING_KIND_COUNT]; /* not in rss */
    int64_t rss_bytes, uss_bytes, swap_bytes;
    int64_t pss_bytes;                 /* -1: read page by page, which does not tell */
    int64_t swap_pss_bytes;            /* -1: not told, as the next two */
    int64_t huge_bytes;                /* of rss: in transparent huge pages */
    int64_t anonymous_bytes;           /* of rss */
    uint32_t mappings, arenas, stacks; /* how many */
    uint32_t large_count;
    struct layers_large large[LAYERS_LARGE_LIMIT]; /* by rss, largest first */
};

/* What of an earlier reading is kept. */
struct layers_past {
    uint64_t mono_usec; /* 0 = none */
    int64_t rss_bytes;
    int64_t rss[MAPPING_KIND_COUNT];
};

/*        id      JSON name         what */
#define LAYER_TABLE(X)                                                                             \
    X(PY_USED, "python_used", "live Python objects up to 512 bytes (pymalloc blocks in use)")      \
    X(PY_PINNED, "python_pinned", "free pymalloc blocks in pools that hold a live one")            \
    X(PY_FREE, "python_free", "pymalloc pools without a live block")                               \
    X(MALLOC_USED, "malloc_used", "handed out by malloc")                                          \
    X(MALLOC_FREE, "malloc_free", "free inside malloc, not given back to the kernel")              \
    X(HEAP, "heap", "[heap], not known closer")                                                    \
    X(ARENAS, "arenas", "64 MiB regions of glibc's arenas, not known closer")                      \
    X(LARGE, "large", "large anonymous mappings, not known closer")                                \
    X(ANON, "anon", "smaller anonymous mappings, not known closer")                                \
    X(STACKS, "stacks", "stacks of all threads")                                                   \
    X(FILE, "file", "mapped files")                                                                \
    X(SHMEM, "shmem", "shared memory")                                                             \
    X(UNEXPLAINED, "unexplained", "in no other line")

enum layer {
#define X(id, name, what) LAYER_##id,
    LAYER_TABLE(X)
#undef X
        LAYER_COUNT,
};

struct ledger {
    int64_t rss_bytes;         /* sum of all lines that are present */
    bool present[LAYER_COUNT]; /* absent: not looked at, and not 0 */
    int64_t bytes[LAYER_COUNT];
    int64_t huge_bytes, swap_bytes; /* of rss; beside rss; -1 = not known */
    bool whole;                     /* from mappings; else only from PID/status */
    /* Monotonic times of what it is made from, 0 = not in it: the mappings (or PID/status), the
     * count of pools, malloc's own numbers. */
    uint64_t mono_usec, pools_usec, malloc_usec;
};

struct layer_info {
    const char *name, *what;
};

const struct layer_info *mapping_kind_info(enum mapping_kind kind);
const struct layer_info *layer_info(enum layer layer);

#endif
