/* SPDX-License-Identifier: MIT */
/*
 * What the bench says: one JSON object a line on standard output, remarks on standard error. The
 * lines are written field by field; the names are ours, nothing is escaped.
 */
#ifndef MEMTEND_BENCH_STORAGE_REPORT_H
#define MEMTEND_BENCH_STORAGE_REPORT_H

#include <stdint.h>

void report_begin(const char *figure);
void report_text(const char *name, const char *text);
void report_integer(const char *name, int64_t value);
void report_real(const char *name, double value, int digits);
void report_end(void);

/* What could not be measured, and why. */
void report_remark(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the program when r is an error: a bench that goes on would print wrong figures. */
void report_need(int r, const char *what);

#endif
