/* SPDX-License-Identifier: MIT */
/*
 * A command line in its two forms. The bytes are those of PID/cmdline: arguments that each end
 * with NUL, chosen by the process and hostile. The full text is what rules match and never leaves
 * RAM; the redacted text is what people see and what is stored. Pure; any thread.
 */
#ifndef MEMTEND_MODEL_CMDLINE_H
#define MEMTEND_MODEL_CMDLINE_H

#include <stddef.h>

/* Arguments joined by blanks, cleaned. Always ends with NUL. Returns the length written. */
size_t cmdline_full(const char *bytes, size_t length, char *ret_text, size_t size);

/*
 * The same with every value that looks secret replaced by "***": values of options and variables
 * whose name says password, secret, token, key, credential or auth, the password of a URL, known
 * short options (mysql -pX) and long random strings. The program (argv[0]) and the script or -m
 * module of an interpreter stay as they are. When in doubt a value is hidden.
 */
size_t cmdline_redact(const char *bytes, size_t length, char *ret_text, size_t size);

#endif
