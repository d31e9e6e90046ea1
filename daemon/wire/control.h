/* SPDX-License-Identifier: MIT */
/*
 * The lines of the control socket: bytes <-> structs. One flat JSON object a line. Used by the
 * daemon (agents/) and, compiled a second time, by the in-process agent, so: pure, no allocation,
 * no locale, no state. Any thread.
 *
 *   agent -> daemon   hello   first line of a session; again when something in it changed
 *                     stats   answers stat
 *                     step    one step of a run has ended (one line a step, in order)
 *                     done    the run has ended; always the last line of a run
 *                     finding one thing a census found, in order of weight
 *                     censused  the census has ended; always its last line
 *                     mark    the program says that a part of its work begins or ends
 *                     error   the request was refused as a whole; nothing more comes for its id
 *                     bye     the program is about to end
 *   daemon -> agent   stat    what is your state?
 *                     run     do these steps in this order
 *                     census  which containers are large, which known causes of growth are there?
 *                     bye     the daemon ends the session and says why
 *
 * The daemon numbers its requests with ids from 1; the answers carry the same id. An agent does
 * one request at a time and keeps one more waiting; past those it answers busy. A stat without gc
 * needs nobody's turn and overtakes. When the connection is lost both sides forget everything that
 * was under way.
 *
 * Strictness: the text must be JSON with nothing before or behind it, no duplicate key, depth and
 * count within wire/limits.h. Unknown keys are ignored, so later versions may add some. Text
 * values come out unescaped, cleaned by text_clean() and NUL-terminated; a text that does not fit
 * its field makes the line invalid. Numbers are integers from 0 to the field's maximum.
 */
#ifndef MEMTEND_WIRE_CONTROL_H
#define MEMTEND_WIRE_CONTROL_H

#include "base/buffer.h"
#include "wire/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum control_type {
    CONTROL_HELLO,
    CONTROL_STAT,
    CONTROL_STATS,
    CONTROL_RUN,
    CONTROL_STEP,
    CONTROL_DONE,
    CONTROL_CENSUS,
    CONTROL_FINDING,
    CONTROL_CENSUSED,
    CONTROL_MARK,
    CONTROL_ERROR,
    CONTROL_BYE,
};

/* How a request or a step ended. */
enum control_result {
    CONTROL_RESULT_OK,
    CONTROL_RESULT_GIL_TIMEOUT,      /* the GIL did not come in time; the step will not run later */
    CONTROL_RESULT_CLOSING,          /* the interpreter is shutting down */
    CONTROL_RESULT_NOT_READY,        /* the interpreter is not up yet, ask again */
    CONTROL_RESULT_UNSUPPORTED,      /* this agent cannot do it in this process, ever */
    CONTROL_RESULT_TOO_MANY_OBJECTS, /* the predicted pause is above max_pause_usec */
    CONTROL_RESULT_BUSY,             /* an earlier request still holds what this one needs */
    CONTROL_RESULT_BAD_REQUEST,      /* the line was understood as far as its id, or not at all */
    CONTROL_RESULT_FAILED,           /* it ran and raised an error inside the process */
    CONTROL_RESULT_TOO_LATE,         /* freeze: it has forked, what is shared is shared already */
    CONTROL_RESULT_COUNT,
};

/* Bits of control_hello.capabilities. */
enum control_capability {
    CONTROL_CAN_MALLOC = 1 << 0,  /* stat: malloc_* */
    CONTROL_CAN_GC = 1 << 1,      /* stat: gc_*, py_blocks */
    CONTROL_CAN_COLLECT = 1 << 2, /* run: collect */
    CONTROL_CAN_TRIM = 1 << 3,    /* run: trim */
    CONTROL_CAN_FREEZE = 1 << 4,  /* run: freeze */
    CONTROL_CAN_HOOKS = 1 << 5,   /* run: hooks; the program has registered some */
    CONTROL_CAN_POOLS = 1 << 6,   /* stat: py_pools and what is beside it */
    CONTROL_CAN_CENSUS = 1 << 7,  /* census */
};

struct control_hello {
    uint64_t version;                  /* CONTROL_VERSION of the sender */
    char name[CONTROL_NAME_SIZE];      /* MEMTEND_NAME of the process, "" = none */
    char runtime[CONTROL_TEXT_SIZE];   /* "cpython 3.13.0", "" = no runtime we know */
    char allocator[CONTROL_TEXT_SIZE]; /* "glibc 2.36", "jemalloc 5.3.0", "" = not known */
    /* Which interpreter gc_*, collect, freeze and census speak for: "main" (sub-interpreters have
     * collectors of their own, which are not touched); "" = no runtime we know. */
    char interpreter[CONTROL_STEP_SIZE];
    uint32_t capabilities;    /* control_capability bits; unknown names are ignored */
    uint64_t parent_pid;      /* getppid() in the agent's pid namespace */
    bool forked;              /* this process was made by fork and has not called exec since */
    uint64_t fork_parent_pid; /* who forked it (stays when the parent dies); 0 unless forked */
    uint64_t fork_count;      /* forks this process itself has made since exec or its own birth */
};

/* Daemon: what to measure. Without the GIL (gc = false) a stat never disturbs the program. */
struct control_stat {
    bool malloc;
    bool gc;    /* takes the GIL */
    bool pools; /* reads the heads of pymalloc's pools; no GIL */
    uint64_t gil_timeout_msec;
    /* What would keep the GIL for longer, all in all, is left out; 0 = no limit. */
    uint64_t max_hold_usec;
};

/* Bits of control_stats.has: what could be known. A field without its bit is 0 and means nothing.
 */
enum control_stats_field {
    CONTROL_HAS_MALLOC_TOTAL = 1 << 0,
    CONTROL_HAS_MALLOC_IN_USE = 1 << 1,
    CONTROL_HAS_MALLOC_FREE = 1 << 2,
    CONTROL_HAS_MALLOC_KEEPCOST = 1 << 3,
    CONTROL_HAS_MALLOC_ARENAS = 1 << 4,
    CONTROL_HAS_MALLOC_USEC = 1 << 5,
    CONTROL_HAS_GC_ENABLED = 1 << 6,
    CONTROL_HAS_GC_DEBUG = 1 << 7,
    CONTROL_HAS_GC_COUNT = 1 << 8,
    CONTROL_HAS_GC_THRESHOLD = 1 << 9,
    CONTROL_HAS_GC_GARBAGE = 1 << 10,
    CONTROL_HAS_GC_FROZEN = 1 << 11,
    CONTROL_HAS_PY_BLOCKS = 1 << 12,
    CONTROL_HAS_GIL_WAIT_USEC = 1 << 13,
    CONTROL_HAS_HOLD_USEC = 1 << 14,
    CONTROL_HAS_MALLOC_MAPPED = 1 << 15,
    CONTROL_HAS_MALLOC_FREE_RESIDENT = 1 << 16,
    CONTROL_HAS_GC_COLLECTIONS = 1 << 17,
    CONTROL_HAS_GC_COLLECTED = 1 << 18,
    CONTROL_HAS_GC_UNCOLLECTABLE = 1 << 19,
    CONTROL_HAS_PY_POOLS = 1 << 20, /* all of py_* but py_blocks */
    CONTROL_HAS_PY_ARENAS = 1 << 21,
    CONTROL_HAS_PY_PARTIAL = 1 << 22, /* py_partial */
    CONTROL_HAS_MALLOC_SINGLE = 1 << 23,
};

/* One number a size class of pymalloc, the smallest class first. */
struct control_classes {
    uint32_t count; /* 0..CONTROL_CLASSES_MAX */
    uint32_t values[CONTROL_CLASSES_MAX];
};

struct control_stats {
    uint32_t has;                 /* control_stats_field bits */
    uint64_t malloc_total_bytes;  /* obtained from the kernel and not returned */
    uint64_t malloc_mapped_bytes; /* address space it keeps, returned pages included */
    /* Free and, as the allocator knows it, still resident: what a trim can give back at most. */
    uint64_t malloc_free_resident_bytes;
    uint64_t malloc_in_use_bytes; /* in chunks the program holds, single mappings included */
    uint64_t malloc_single_bytes; /* of these: in chunks that have a mapping of their own */
    uint64_t malloc_free_bytes; /* in free chunks; does not fall when their pages are given back */
    uint64_t malloc_keepcost_bytes; /* at the top of the main heap */
    uint64_t malloc_arenas;
    uint64_t malloc_usec; /* what reading these cost; the arenas were locked one by one */
    bool gc_enabled;
    uint64_t gc_debug; /* gc.get_debug(); 32 = DEBUG_SAVEALL */
    uint64_t gc_count[3];
    uint64_t gc_threshold[3];
    uint64_t gc_garbage; /* len(gc.garbage) */
    uint64_t gc_frozen;  /* gc.get_freeze_count() */
    /* gc.get_stats(), by generation, since the interpreter began. */
    uint64_t gc_collections[3], gc_collected[3], gc_uncollectable[3];
    uint64_t py_blocks; /* sys.getallocatedblocks() */
    /* pymalloc, read from the heads of its resident pools; of all interpreters. */
    uint64_t py_arenas;       /* 256 KiB (to 3.9) or 1 MiB (from 3.10) each */
    uint64_t py_pools;        /* in use or free, 4 KiB (to 3.9) or 16 KiB (from 3.10) each */
    uint64_t py_free_pools;   /* without a live block */
    uint64_t py_used_bytes;   /* in live blocks */
    uint64_t py_pinned_bytes; /* in free blocks of pools that hold a live one */
    uint64_t py_free_bytes;   /* in pools without a live block */
    /* Pools, and live blocks in them; class i holds blocks of (i + 1) * 8 bytes. */
    struct control_classes py_class_pools, py_class_blocks;
    bool py_partial;     /* some memory could not be read: the true numbers are higher */
    uint64_t pools_usec; /* CPU time that reading them took; nothing was held */
    uint64_t gil_wait_usec;
    uint64_t hold_usec;            /* how long the GIL was held for this answer */
    enum control_result py_result; /* why gc_* and py_* are absent although asked for; else OK */
    uint64_t fork_count;           /* as in hello, now */
};

enum control_mode {
    /* On the agent's own thread, except where finalisers are bound to the main thread (asyncio,
     * gevent, eventlet, Qt, Tk loaded): there the agent takes CONTROL_MODE_MAIN by itself. */
    CONTROL_MODE_THREAD,
    /* By a pending call on the main thread; never falls back to the agent's thread. */
    CONTROL_MODE_MAIN,
};

struct control_run {
    size_t step_count;                                /* 1..CONTROL_STEPS_MAX */
    char steps[CONTROL_STEPS_MAX][CONTROL_STEP_SIZE]; /* "collect", "trim", "freeze", "hooks" */
    uint64_t generation;       /* of collect; CONTROL_GENERATION_MAX = everything */
    enum control_mode mode;    /* of collect */
    uint64_t gil_timeout_msec; /* per step; on the main thread: until the pending call begins */
    uint64_t max_pause_usec; /* collect and freeze answer too_many_objects above it; 0: no limit */
};

/* Bits of control_step.has. */
enum control_step_field {
    CONTROL_STEP_HAS_OBJECTS = 1 << 0,
    CONTROL_STEP_HAS_GIL_WAIT_USEC = 1 << 1,
    CONTROL_STEP_HAS_RUN_USEC = 1 << 2,
};

struct control_step {
    uint64_t index; /* of the step in the request, from 0 */
    char step[CONTROL_STEP_SIZE];
    enum control_result outcome;
    enum control_mode mode; /* where it ran */
    uint32_t has;           /* control_step_field bits */
    uint64_t objects;       /* collect: what gc.collect() returned; freeze: how many were frozen;
                               hooks: how many were called */
    uint64_t gil_wait_usec;
    uint64_t run_usec; /* collect: the GIL was held as long, that is the pause; trim: no GIL,
                          except mimalloc's part on the main thread */
};

struct control_done {
    enum control_result outcome; /* OK when every step was, else that of the first that was not */
    uint64_t steps;              /* how many step lines were sent */
};

enum control_census_mode {
    CONTROL_CENSUS_ROOTS,    /* a bounded walk from sys.modules: large containers with their path */
    CONTROL_CENSUS_SUSPECTS, /* known causes of growth in the modules that are loaded */
    CONTROL_CENSUS_FULL,     /* every object the collector tracks, in pieces: types by number */
};

struct control_census {
    enum control_census_mode mode;
    uint64_t top;         /* findings asked for, 1..CONTROL_FINDINGS_MAX */
    uint64_t max_objects; /* full: refused with too_many_objects above it */
    uint64_t gil_timeout_msec;
};

enum control_finding_kind {
    CONTROL_FINDING_CONTAINER, /* path, type, length, references, holders, growth */
    CONTROL_FINDING_TYPE,      /* full: type, count */
    CONTROL_FINDING_SUSPECT,   /* path, text, count */
};

/* Bits of control_finding.has. */
enum control_finding_field {
    CONTROL_FINDING_HAS_COUNT = 1 << 0,
    CONTROL_FINDING_HAS_REFERENCES = 1 << 1,
    CONTROL_FINDING_HAS_GROWTH = 1 << 2,
};

struct control_holders {
    uint32_t count; /* 0..CONTROL_HOLDERS_MAX */
    char names[CONTROL_HOLDERS_MAX][CONTROL_PATH_SIZE];
};

/* Names of modules and attributes, names of types and lengths; never keys, values or reprs. */
struct control_finding {
    enum control_finding_kind kind;
    uint32_t has;
    char path[CONTROL_PATH_SIZE];     /* "__main__.global_dict"; "" for a type */
    char type[CONTROL_TEXT_SIZE];     /* "dict" */
    char text[CONTROL_SENTENCE_SIZE]; /* one sentence about a suspect */
    uint64_t count;      /* length of the container; objects of the type; the suspect's */
    uint64_t references; /* its reference count, ours taken off */
    uint64_t rises;      /* how many observations in a row it was longer each time */
    uint64_t growth;     /* by how much over those */
    struct control_holders holders; /* who refers to it, by name as far as they have one */
};

enum control_censused_field {
    CONTROL_CENSUSED_HAS_OBJECTS = 1 << 0,
    CONTROL_CENSUSED_HAS_GIL_WAIT_USEC = 1 << 1,
    CONTROL_CENSUSED_HAS_HOLD_USEC = 1 << 2,
};

struct control_censused {
    enum control_result outcome;
    uint64_t findings; /* how many finding lines were sent */
    uint32_t has;
    bool truncated;   /* a bound ended the walk: there may be more */
    uint64_t objects; /* looked at */
    uint64_t gil_wait_usec;
    uint64_t hold_usec; /* the longest time the GIL was held in one piece */
    uint64_t run_usec;  /* from the first to the last piece */
};

enum control_phase { CONTROL_PHASE_BEGIN, CONTROL_PHASE_END, CONTROL_PHASE_POINT };

/* A part of the program's work by the name the program gave it. */
struct control_mark {
    char name[CONTROL_NAME_SIZE];
    enum control_phase phase;
    uint64_t span;     /* the same in begin and end, unlike any other of the process; point: 0 */
    uint64_t usec;     /* since its begin: of a begin until now, of an end until then; point: 0 */
    uint64_t left_out; /* marks that were not told since the last one that was */
};

struct control_error {
    enum control_result error; /* never OK */
};

struct control_bye {
    char why[CONTROL_TEXT_SIZE]; /* "exit"; from the daemon: "version", "duplicate", "stop" */
};

struct control_message {
    enum control_type type;
    uint64_t id; /* the request's; 0 in hello and bye, and in an error about a line without id */
    union {
        struct control_hello hello;
        struct control_stat stat;
        struct control_stats stats;
        struct control_run run;
        struct control_step step;
        struct control_done done;
        struct control_census census;
        struct control_finding finding;
        struct control_censused censused;
        struct control_mark mark;
        struct control_error error;
        struct control_bye bye;
    };
};

enum control_outcome {
    CONTROL_DECODED,
    CONTROL_UNKNOWN_TYPE, /* sound JSON, but "t" names nothing we know: answer unsupported */
    CONTROL_INVALID,   /* sound JSON, but a field is missing, of the wrong kind or out of range */
    CONTROL_MALFORMED, /* not the strict JSON described above: end the session */
};

/*
 * Decode one line without its newline. DECODED fills ret_message whole. UNKNOWN_TYPE and INVALID
 * fill only ret_message->id (0 when the line has none), so that an error can be sent; MALFORMED
 * touches nothing. length above CONTROL_LINE_MAX_BYTES is MALFORMED. Needs 20 KiB of stack.
 */
enum control_outcome control_decode(const char *line, size_t length,
                                    struct control_message *ret_message);

/*
 * Append one line with its newline. 0, -ENOBUFS when it does not fit (the buffer is as before),
 * -EINVAL when a field is outside what control_decode() takes. Text is escaped and cleaned, so any
 * bytes may be handed in.
 */
int control_encode_hello(struct buffer *buffer, const struct control_hello *hello);
int control_encode_stat(struct buffer *buffer, uint64_t id, const struct control_stat *stat);
int control_encode_stats(struct buffer *buffer, uint64_t id, const struct control_stats *stats);
int control_encode_run(struct buffer *buffer, uint64_t id, const struct control_run *run);
int control_encode_step(struct buffer *buffer, uint64_t id, const struct control_step *step);
int control_encode_done(struct buffer *buffer, uint64_t id, const struct control_done *done);
int control_encode_census(struct buffer *buffer, uint64_t id, const struct control_census *census);
int control_encode_finding(struct buffer *buffer, uint64_t id,
                           const struct control_finding *finding);
int control_encode_censused(struct buffer *buffer, uint64_t id,
                            const struct control_censused *censused);
int control_encode_mark(struct buffer *buffer, const struct control_mark *mark);
int control_encode_error(struct buffer *buffer, uint64_t id, enum control_result error);
int control_encode_bye(struct buffer *buffer, const char *why);

#endif
