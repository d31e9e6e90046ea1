/* SPDX-License-Identifier: MIT */
/*
 * Which argument of a command line says what an interpreter runs. Pure; any thread.
 */
#ifndef MEMTEND_MODEL_SCRIPT_H
#define MEMTEND_MODEL_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * In bytes as of PID/cmdline: from and to of the script ("python3 -X dev app.py") or module
 * ("python3 -m app"). false: the program is no interpreter we know, or runs code given by -c.
 */
bool script_find(const char *bytes, size_t length, size_t *ret_from, size_t *ret_to);

#endif
