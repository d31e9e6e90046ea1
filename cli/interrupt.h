/* SPDX-License-Identifier: MIT */
/*
 * Commands that leave something to tidy up: signals that end them are noted instead, so that no
 * temporary file stays. A reader that goes is an error of writing.
 */
#ifndef MEMTEND_CLI_INTERRUPT_H
#define MEMTEND_CLI_INTERRUPT_H

#include <stdbool.h>

/* From here on SIGINT, SIGTERM and SIGHUP are noted, SIGPIPE is not one. */
void interrupt_catch(void);
bool interrupt_pending(void);
/* Ends as the signal would have; returns when there was none. */
void interrupt_end(void);

#endif
