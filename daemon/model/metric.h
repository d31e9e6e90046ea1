/* SPDX-License-Identifier: MIT */
/*
 * Every quantity memtend knows, in ONE table. The rule name ("heap.free"), the JSON and SQL name
 * ("heap_free_bytes"), the unit and the help text all come from here; nothing else lists metrics.
 * Constant data, any thread.
 */
#ifndef MEMTEND_MODEL_METRIC_H
#define MEMTEND_MODEL_METRIC_H

#include <stdbool.h>
#include <stddef.h>

enum metric_scope { METRIC_SCOPE_PROCESS, METRIC_SCOPE_HOST };

/* The unit of the stored int64_t, and the suffix of the JSON name. */
enum metric_unit {
    METRIC_UNIT_BYTES,     /* _bytes */
    METRIC_UNIT_PERMYRIAD, /* _percent, value / 100 */
    METRIC_UNIT_USEC,      /* _seconds, value / 1e6 */
    METRIC_UNIT_COUNT,     /* no suffix */
    METRIC_UNIT_FLAG,      /* no suffix, 0 or 1; JSON true/false */
};

enum metric_kind { METRIC_KIND_GAUGE, METRIC_KIND_COUNTER };

/* Which reader provides it, hence how old it may be (DESIGN: what is measured). */
enum metric_source {
    METRIC_SOURCE_FAST,    /* PID/statm or PID/stat, every tick */
    METRIC_SOURCE_STAT,    /* PID/stat: each tick where it is wanted or moves, else every 10 s */
    METRIC_SOURCE_SLOW,    /* PID/status, on change or every 10 s */
    METRIC_SOURCE_DEEP,    /* PID/smaps_rollup by the probe, under budget */
    METRIC_SOURCE_AGENT,   /* the in-process agent */
    METRIC_SOURCE_POOLS,   /* the probe's scan from outside, or the agent: whichever is there */
    METRIC_SOURCE_HOST,    /* /proc/meminfo, vmstat, pressure */
    METRIC_SOURCE_CGROUP,  /* its control group's files, every 5 s or every tick */
    METRIC_SOURCE_DERIVED, /* computed from other values */
};
#define METRIC_SOURCES (METRIC_SOURCE_DERIVED + 1) /* the last one */

/*        id              rule name         scope    unit       kind     source   help */
#define METRIC_TABLE(X)                                                                            \
    X(RSS, "rss", PROCESS, BYTES, GAUGE, FAST,                                                     \
      "resident set size (proc(5), PID/statm resident or PID/stat rss, times the page size)")      \
    X(CPU, "cpu", PROCESS, PERMYRIAD, GAUGE, STAT,                                                 \
      "CPU time in percent of one core over the last 5 s (PID/stat utime + stime)")                \
    X(THREADS, "threads", PROCESS, COUNT, GAUGE, STAT, "threads (PID/stat num_threads)")           \
    X(MAJOR_FAULTS, "faults.major", PROCESS, COUNT, COUNTER, STAT,                                 \
      "major page faults since start (PID/stat majflt)")                                           \
    X(AGE, "age", PROCESS, USEC, GAUGE, DERIVED, "time since the process started")                 \
    X(ANON, "anon", PROCESS, BYTES, GAUGE, SLOW, "resident anonymous memory (RssAnon)")            \
    X(FILE, "file", PROCESS, BYTES, GAUGE, SLOW, "resident file mappings (RssFile)")               \
    X(SHMEM, "shmem", PROCESS, BYTES, GAUGE, SLOW, "resident shared memory (RssShmem)")            \
    X(SWAP, "swap", PROCESS, BYTES, GAUGE, SLOW, "memory in swap (VmSwap)")                        \
    X(PEAK_RSS, "rss.peak", PROCESS, BYTES, GAUGE, SLOW, "highest RSS so far (VmHWM)")             \
    X(PSS, "pss", PROCESS, BYTES, GAUGE, DEEP,                                                     \
      "proportional set size: shared pages divided by their sharers (smaps_rollup Pss)")           \
    X(USS, "uss", PROCESS, BYTES, GAUGE, DEEP,                                                     \
      "unique set size: pages no other process maps (Private_Clean + Private_Dirty)")              \
    X(SWAP_PSS, "swap.pss", PROCESS, BYTES, GAUGE, DEEP,                                           \
      "proportional share of swapped pages (smaps_rollup SwapPss)")                                \
    X(HEAP_TOTAL, "heap.total", PROCESS, BYTES, GAUGE, AGENT,                                      \
      "memory that malloc holds from the kernel, address space (mallinfo2 arena + hblkhd)")        \
    X(HEAP_USED, "heap.used", PROCESS, BYTES, GAUGE, AGENT,                                        \
      "memory that malloc has handed out (mallinfo2 uordblks + hblkhd)")                           \
    X(HEAP_FREE, "heap.free", PROCESS, BYTES, GAUGE, AGENT,                                        \
      "free chunks inside malloc, some already returned by a trim (mallinfo2 fordblks)")           \
    X(PY_BLOCKS, "py.blocks", PROCESS, COUNT, GAUGE, AGENT, "sys.getallocatedblocks()")            \
    X(PY_GC_ENABLED, "py.gc.enabled", PROCESS, FLAG, GAUGE, AGENT, "gc.isenabled()")               \
    X(PY_GC_COUNT0, "py.gc.count0", PROCESS, COUNT, GAUGE, AGENT,                                  \
      "container objects since the last generation 0 collection (gc.get_count()[0])")              \
    X(PY_GC_COUNT1, "py.gc.count1", PROCESS, COUNT, GAUGE, AGENT, "gc.get_count()[1]")             \
    X(PY_GC_COUNT2, "py.gc.count2", PROCESS, COUNT, GAUGE, AGENT, "gc.get_count()[2]")             \
    X(PY_GC_GARBAGE, "py.gc.garbage", PROCESS, COUNT, GAUGE, AGENT, "len(gc.garbage)")             \
    X(PY_GC_FROZEN, "py.gc.frozen", PROCESS, COUNT, GAUGE, AGENT, "gc.get_freeze_count()")         \
    X(PY_USED, "py.used", PROCESS, BYTES, GAUGE, POOLS,                                            \
      "in live blocks of pymalloc, objects up to 512 bytes (outside scan or agent)")               \
    X(PY_PINNED, "py.pinned", PROCESS, BYTES, GAUGE, POOLS,                                        \
      "free blocks in pymalloc pools that hold a live one: kept (outside scan or agent)")          \
    X(PY_FREE, "py.free", PROCESS, BYTES, GAUGE, POOLS,                                            \
      "pymalloc pools without a live block, in memory (outside scan or agent)")                    \
    X(PY_POOLS, "py.pools", PROCESS, COUNT, GAUGE, POOLS,                                          \
      "pymalloc pools in memory: 4 KiB each up to Python 3.9, then 16 KiB (outside scan or "       \
      "agent)")                                                                                    \
    X(PY_COVERAGE, "py.coverage", PROCESS, PERMYRIAD, GAUGE, POOLS,                                \
      "share of the memory that could hold pools that was read; the rest is swapped out or went")  \
    X(LIMIT, "limit", PROCESS, BYTES, GAUGE, CGROUP,                                               \
      "the smallest memory.max of its control group and those above, else MemTotal")               \
    X(HEADROOM, "headroom", PROCESS, BYTES, GAUGE, CGROUP,                                         \
      "what its control group, or one above, may still take before its limit, cache not counted; " \
      "without a limit MemAvailable")                                                              \
    X(MEM_TOTAL, "mem.total", HOST, BYTES, GAUGE, HOST, "MemTotal")                                \
    X(MEM_AVAILABLE, "mem.available", HOST, BYTES, GAUGE, HOST, "MemAvailable")                    \
    X(MEM_FREE, "mem.free", HOST, BYTES, GAUGE, HOST, "MemFree")                                   \
    X(MEM_CACHED, "mem.cached", HOST, BYTES, GAUGE, HOST, "Cached: page cache and shared memory")  \
    X(MEM_SHMEM, "mem.shmem", HOST, BYTES, GAUGE, HOST, "Shmem")                                   \
    X(SWAP_TOTAL, "swap.total", HOST, BYTES, GAUGE, HOST, "SwapTotal")                             \
    X(SWAP_FREE, "swap.free", HOST, BYTES, GAUGE, HOST, "SwapFree")                                \
    X(PSI_SOME_AVG10, "psi.some.avg10", HOST, PERMYRIAD, GAUGE, HOST,                              \
      "share of the last 10 s in which some task waited for memory (PSI, /proc/pressure/memory)")  \
    X(PSI_SOME_AVG60, "psi.some.avg60", HOST, PERMYRIAD, GAUGE, HOST, "the same over 60 s")        \
    X(PSI_FULL_AVG10, "psi.full.avg10", HOST, PERMYRIAD, GAUGE, HOST,                              \
      "share of the last 10 s in which all tasks waited for memory (PSI)")                         \
    X(PSI_FULL_AVG60, "psi.full.avg60", HOST, PERMYRIAD, GAUGE, HOST, "the same over 60 s")        \
    X(OOM_KILLS, "oom.kills", HOST, COUNT, COUNTER, HOST,                                          \
      "processes killed by the OOM killer "                                                        \
      "since boot (vmstat oom_kill)")                                                              \
    X(HOST_MAJOR_FAULTS, "host.faults.major", HOST, COUNT, COUNTER, HOST, "vmstat pgmajfault")     \
    X(SWAP_IN, "swap.in", HOST, COUNT, COUNTER, HOST, "pages swapped in since boot (pswpin)")      \
    X(SWAP_OUT, "swap.out", HOST, COUNT, COUNTER, HOST, "pages swapped out since boot (pswpout)")

/* Process metrics come first, then those of the host; each scope indexes its own sample. */
enum metric {
#define X(id, name, scope, unit, kind, source, help) METRIC_##id,
    METRIC_TABLE(X)
#undef X
        METRIC_COUNT,
    METRIC_HOST_FIRST = METRIC_MEM_TOTAL,
    METRIC_PROCESS_COUNT = METRIC_HOST_FIRST,
    /* From here on those of a process are of its group: the store has them for no process. */
    METRIC_STORED_COUNT = METRIC_LIMIT,
    METRIC_HOST_COUNT = METRIC_COUNT - METRIC_HOST_FIRST,
};

#define METRIC_JSON_NAME_SIZE 40

struct metric_info {
    const char *name; /* as rules and the command line say it: "heap.free" */
    enum metric_scope scope;
    enum metric_unit unit;
    enum metric_kind kind;
    enum metric_source source;
    const char *help;
};

const struct metric_info *metric_info(enum metric metric);
/* Whether the store has a column for it. */
bool metric_is_stored(enum metric metric);
/* Whether the values of several processes can be added up: not ages, shares and switches. */
bool metric_is_additive(enum metric metric);
/* Whether a list by it begins with the smallest: of what is left, little is worth a look. All
 * others begin with the largest. */
bool metric_least_first(enum metric metric);
/* By rule name ("heap.free") or JSON name ("heap_free_bytes"). -ENOENT. */
int metric_find(const char *name, enum metric *ret_metric);
/* "heap.free" -> "heap_free_bytes". */
void metric_json_name(enum metric metric, char ret_name[static METRIC_JSON_NAME_SIZE]);

#endif
