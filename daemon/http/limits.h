/* SPDX-License-Identifier: MIT */
/*
 * Every limit of the HTTP floor, each with its reason. Constant.
 */
#ifndef MEMTEND_HTTP_LIMITS_H
#define MEMTEND_HTTP_LIMITS_H

#include "base/clock.h"

#include <stddef.h>

/* Of each listener, so that a full TCP side cannot shut out the Unix socket. */
#define HTTP_CONNECTIONS        64
#define HTTP_CONNECTIONS_PER_IP 16

/* Read buffer, parsed header and response header of one connection live in this pool. */
#define HTTP_POOL_BYTES   ((size_t)32 * 1024)
#define HTTP_HEADER_BYTES ((size_t)16 * 1024)

/* 64 KiB of JSON become at most 5 MiB on the heap (measured with Jansson 2.14). */
#define HTTP_BODY_BYTES ((size_t)64 * 1024)
#define HTTP_JSON_DEPTH 32 /* Jansson's own limit is 2048: too deep for a thread's stack */

/* A thousand processes with every field are 1.2 MB; 128,000 points of history 5 MB. */
#define HTTP_ANSWER_BYTES ((size_t)16 * 1024 * 1024)

#define HTTP_IDLE_USEC    (10 * USEC_PER_SEC)
#define HTTP_RECEIVE_USEC (15 * USEC_PER_SEC)
/* A reader that takes longer for its answer gives its place back. */
#define HTTP_SEND_USEC (60 * USEC_PER_SEC)

#define HTTP_ANSWER_USEC (5 * USEC_PER_SEC)
/* What loop or reader may be late with their answer before we give one without them. */
#define HTTP_GRACE_USEC (1 * USEC_PER_SEC)
/* More than an agent is given to answer (agents/session.c). */
#define HTTP_CENSUS_USEC (7 * USEC_PER_SEC)
/* More than the loop waits for the mappings of a process (engine/ledgers.c). */
#define HTTP_DIAGNOSIS_USEC (7 * USEC_PER_SEC)
#define HTTP_WAIT_USEC      (30 * USEC_PER_SEC) /* ?wait of an action */
/* Commands on their way: every connection one, and as many whose client did not wait. */
#define HTTP_PENDING 256

#define HTTP_SESSIONS     16
#define HTTP_SESSION_USEC (UINT64_C(12) * 3600 * USEC_PER_SEC)

#define HTTP_TOKEN_FAILURES    5 /* in a window; then 429 for further wrong tokens */
#define HTTP_TOKEN_WINDOW_USEC (60 * USEC_PER_SEC)
#define HTTP_CHANGES_PER_SEC   20

#define HTTP_ARGUMENTS     16  /* ?name=value pairs */
#define HTTP_QUERY_BYTES   256 /* one value of them */
#define HTTP_SERIES_BYTES  1024
#define HTTP_PARAMETER     128 /* the {…} of a path */
#define HTTP_LIST_DEFAULT  100
#define HTTP_HISTORY_USEC  (UINT64_C(3600) * USEC_PER_SEC) /* when ?from is absent */
#define HTTP_SERIES_POINTS 500 /* when ?points is absent: about the pixels of a chart */
#define HTTP_CHECK_ERRORS  20  /* of one rule text; more do not help anybody */
#define HTTP_PAUSE_SECONDS (30 * 24 * 3600)

/* The loop counts as dead when the newest snapshot is older than this many ticks. */
#define HTTP_STALE_TICKS 10

#endif
