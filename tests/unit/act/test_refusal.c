/* SPDX-License-Identifier: MIT */
#include "act/refusal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MIB      (INT64_C(1) << 20)
#define BUDGET   500000
#define NO_LIMIT (INT64_C(1) << 50)
#define UNKNOWN  (-1)

struct row {
    enum step_kind step;
    int64_t high, pause, unshared, headroom;
    const char *note; /* NULL = not refused */
};

static const struct row rows[] = {
    {STEP_COLLECT, 0, UNKNOWN, 0, UNKNOWN, NULL},
    {STEP_COLLECT, 100 * MIB, BUDGET, 0, NO_LIMIT, NULL},
    {STEP_COLLECT, 100 * MIB, BUDGET + 1, 0, NO_LIMIT, "the budget is 500 ms"},
    /* A floor: some unsharing is noise. */
    {STEP_COLLECT, 0, 1000, MIB, NO_LIMIT, NULL},
    {STEP_COLLECT, 0, 1000, MIB + 1, NO_LIMIT, "gc.freeze()"},
    {STEP_COLLECT, 185 * MIB, 1000, 185 * MIB, NO_LIMIT, NULL},
    {STEP_COLLECT, 184 * MIB, 1000, 185 * MIB, NO_LIMIT, "185 MiB"},
    /* Worth it, but there is no room for the copies. */
    {STEP_COLLECT, 400 * MIB, 1000, 200 * MIB, 400 * MIB, NULL},
    {STEP_COLLECT, 400 * MIB, 1000, 201 * MIB, 400 * MIB, "the host has 400 MiB left"},
    {STEP_COLLECT, 400 * MIB, 1000, 201 * MIB, UNKNOWN, NULL},
    /* A trim copies nothing and takes no GIL. */
    {STEP_TRIM, 0, 60000000, 500 * MIB, 0, NULL},
};

static void table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        const struct prediction prediction = {
            .high_bytes = row->high, .pause_usec = row->pause, .unshared_bytes = row->unshared};
        char note[RECEIPT_NOTE_SIZE] = "";
        bool refused = refusal_judge(row->step, &prediction, BUDGET, row->headroom, note);
        if (refused != (row->note != NULL))
            fail_msg("row %zu: refused %d, \"%s\"", i, refused, note);
        if (row->note && !strstr(note, row->note))
            fail_msg("row %zu: \"%s\"", i, note);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
