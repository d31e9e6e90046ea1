/* SPDX-License-Identifier: MIT */
/*
 * Every limit of what crosses the control socket, in one place. A peer that goes past one of them
 * is refused at the edge; nothing is cut silently on the way in.
 */
#ifndef MEMTEND_WIRE_LIMITS_H
#define MEMTEND_WIRE_LIMITS_H

#include <stddef.h>

#define CONTROL_VERSION     1 /* what this tree speaks */
#define CONTROL_VERSION_MIN 1 /* the oldest the daemon still understands */

/* One line with its newline. The longest real message is under 2 KiB; the rest is for growth. */
#define CONTROL_LINE_MAX_BYTES ((size_t)64 * 1024)
/* The object itself, an array or object in it, and one more for keys of later versions. */
#define CONTROL_DEPTH_MAX 3
/* Keys, values, arrays and elements of one line: a stats answer with all size classes needs 230. */
#define CONTROL_TOKENS_MAX   384
#define CONTROL_STEPS_MAX    8
#define CONTROL_CLASSES_MAX  64 /* 512 bytes in steps of 8 */
#define CONTROL_HOLDERS_MAX  3
#define CONTROL_FINDINGS_MAX 40 /* more is no answer to "why" */

/* The longest text of all, unescaped; the fields below are smaller. */
#define CONTROL_TEXT_MAX_BYTES 256

/* Sizes of text fields with their NUL. */
#define CONTROL_NAME_SIZE     65  /* as long as a name of a group or agent may be, and NUL */
#define CONTROL_TEXT_SIZE     65  /* "cpython 3.13.0", "glibc 2.36", why of a bye */
#define CONTROL_STEP_SIZE     17  /* "collect" */
#define CONTROL_PATH_SIZE     129 /* "package.module.object.attribute" */
#define CONTROL_SENTENCE_SIZE 201

/* Waiting longer for the GIL than this helps nobody: the daemon calls an agent silent after 10 s.
 */
#define CONTROL_GIL_TIMEOUT_MAX_MSEC 10000
#define CONTROL_GENERATION_MAX       2       /* the oldest generation of CPython's collector */
#define CONTROL_PID_MAX              4194304 /* PID_MAX_LIMIT of a 64-bit kernel */

#endif
