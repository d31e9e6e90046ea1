/* SPDX-License-Identifier: MIT */
/*
 * What head and probe say to each other over a SOCK_SEQPACKET pair: one request is one packet of
 * fixed size, one answer is one packet of a fixed header and at most PROBE_PAYLOAD_MAX bytes. Both
 * ends run on one machine, so numbers are in its byte order; magic and version refuse everything
 * else. Before its answer a long reading may send signs of life: the answer so far, without a
 * payload, with the result -EINPROGRESS. Pure, no allocation; any thread.
 */
#ifndef MEMTEND_WIRE_PROBE_H
#define MEMTEND_WIRE_PROBE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROBE_VERSION 4

/* Sizes of packets, bytes. A whole answer fits the smallest socket buffer that Linux gives. */
#define PROBE_REQUEST_SIZE 64
#define PROBE_HEADER_SIZE  168
#define PROBE_POOLS_SIZE   88
#define PROBE_PACKET_MAX   (UINT32_C(32) * 1024)
#define PROBE_PAYLOAD_MAX  (PROBE_PACKET_MAX - PROBE_HEADER_SIZE)

/* The longest time budget that can be asked for. */
#define PROBE_TIME_MAX_USEC (UINT64_C(60) * 1000 * 1000)

/* Memory that one request may have looked at: at 0.25 ms a MiB as long as the longest rollup. */
#define PROBE_SCAN_MAX_BYTES (UINT32_C(64) * 1024 * 1024)

/* What is read; bits, one or more of ALL, or one of the others alone. */
enum probe_what {
    PROBE_WHAT_CMDLINE = 1 << 0, /* payload = raw PID/cmdline; exe device and inode */
    PROBE_WHAT_ROLLUP = 1 << 1,  /* smaps_rollup */
    PROBE_WHAT_ALL = PROBE_WHAT_CMDLINE | PROBE_WHAT_ROLLUP,
    PROBE_WHAT_POOLS = 1 << 2,  /* payload = struct probe_pools, encoded */
    PROBE_WHAT_LAYERS = 1 << 3, /* smaps; payload = struct probe_layers, encoded */
    PROBE_WHAT_PAGES = 1 << 4,  /* maps and pagemap, paused; payload = the same, a part of it */
};
/* What takes the lock of a process for long, or time: paid for from the budget of deep reads. */
#define PROBE_WHAT_DEEP                                                                            \
    ((uint32_t)(PROBE_WHAT_ROLLUP | PROBE_WHAT_POOLS | PROBE_WHAT_LAYERS | PROBE_WHAT_PAGES))

/* What the probe may do; bits. */
enum probe_rights {
    PROBE_RIGHT_PTRACE = 1 << 0, /* sees processes of other users */
    PROBE_RIGHT_JAILED = 1 << 1, /* its system call filter is in place */
};

struct probe_request {
    uint32_t sequence; /* comes back in the answer */
    pid_t pid;
    uint64_t start_ticks; /* the probe refuses when the pid is another process by now */
    uint32_t what;
    uint32_t byte_budget;      /* payload bytes at most */
    uint64_t time_budget_usec; /* of one reading; one that takes much longer ends the probe. POOLS
                                  and PAGES: they stop then, and say how far they came */
    uint64_t deadline_usec;    /* CLOCK_MONOTONIC: what is not begun by then is not read */
    uint64_t cursor; /* POOLS and PAGES: address to go on from, 0 = the beginning; else 0 */
    /* POOLS; else 0 */
    uint32_t pool_bytes; /* 0 = by the version of CPython that the probe sees */
    uint32_t scan_bytes; /* of memory to look at, at most */
};

/* smaps_rollup, bytes. */
struct probe_rollup {
    int64_t rss, pss, uss, shared, private_dirty, anonymous, swap, swap_pss, locked;
};

/*
 * A part of a scan for pymalloc pools, from the request's cursor on. A place is where a pool would
 * begin; only those in memory are read.
 */
struct probe_pools {
    uint64_t cursor;       /* where the next request goes on; 0 = this was the last part */
    uint32_t pool_bytes;   /* that were looked for */
    uint16_t major, minor; /* CPython's; both 0 = not known, or not looked at */
    uint64_t used_pools, free_pools, blocks;
    uint64_t used_bytes;     /* in blocks in use */
    uint64_t pinned_bytes;   /* in free blocks of used pools */
    uint64_t free_bytes;     /* in free pools */
    uint64_t read_places;    /* in memory, so that reading was tried */
    uint64_t missed_places;  /* of those: were unmapped by then */
    uint64_t swapped_places; /* not read */
};

struct probe_answer {
    uint32_t sequence;
    pid_t pid;
    uint64_t start_ticks;
    uint32_t what;     /* as asked */
    uint32_t present;  /* bits of what was read; fields of the others are 0. None when the
                          process is gone or its pid is another's by now (-ESRCH) */
    int32_t result;    /* 0, else -errno of the first reading that failed; -EINPROGRESS: it is slow
                          and gets on, the answer follows */
    uint32_t dropped;  /* answers that found the socket full since the probe started */
    uint32_t rights;   /* enum probe_rights */
    uint64_t cpu_usec; /* CPU time that the reading took */
    uint64_t exe_device, exe_inode; /* CMDLINE; both 0 = could not be seen */
    uint64_t exec_mark;             /* all but ROLLUP alone; see model/process.h, 0 = not seen */
    struct probe_rollup rollup;     /* ROLLUP */
    int64_t own_private_bytes, own_rss_bytes; /* of the probe itself; -1 = unknown */
    uint32_t payload_length;
    const char *payload; /* inside the packet; encode does not look at it */
};

void probe_request_encode(const struct probe_request *request,
                          unsigned char ret_packet[static PROBE_REQUEST_SIZE]);
/* -EBADMSG: not a whole, sane request of this version. */
int probe_request_decode(const unsigned char *packet, size_t size,
                         struct probe_request *ret_request);

/* The header only; the payload of payload_length bytes goes behind it. */
void probe_answer_encode(const struct probe_answer *answer,
                         unsigned char ret_header[static PROBE_HEADER_SIZE]);
/* A whole packet, which must outlive the answer's payload. -EBADMSG. */
int probe_answer_decode(const unsigned char *packet, size_t size, struct probe_answer *ret_answer);

/* Parts of one scan together: what was counted, not where it stands. */
void probe_pools_add(struct probe_pools *sum, const struct probe_pools *part);

/* The payload of an answer with POOLS in `present`. */
void probe_pools_encode(const struct probe_pools *pools,
                        unsigned char ret_payload[static PROBE_POOLS_SIZE]);
/* -EBADMSG: not one, or numbers that cannot be. */
int probe_pools_decode(const char *payload, size_t size, struct probe_pools *ret_pools);

#endif
