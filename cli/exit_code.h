/* SPDX-License-Identifier: MIT */
/*
 * Exit codes of memtend, the same for every command. Scripts rely on them. `run` alone answers
 * with 125, 126 and 127 for its own failures, as env(1) does, because everything else is the exit
 * status of the program it became.
 */
#ifndef MEMTEND_CLI_EXIT_CODE_H
#define MEMTEND_CLI_EXIT_CODE_H

enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_FAILED = 1,
    EXIT_CODE_USAGE = 2, /* the command line, or a rule, is wrong */
    EXIT_CODE_NO_DAEMON = 3,
    EXIT_CODE_PERMISSION = 4,
    EXIT_CODE_GONE = 5, /* the target does not exist (any more) */
    EXIT_CODE_TIMEOUT = 7,
    EXIT_CODE_RUN_FAILED = 125,
    EXIT_CODE_RUN_NOT_EXECUTABLE = 126,
    EXIT_CODE_RUN_NOT_FOUND = 127,
};

#endif
