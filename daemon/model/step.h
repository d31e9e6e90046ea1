/* SPDX-License-Identifier: MIT */
/*
 * Steps that can be asked for. Help texts and tooltips show what each one cannot do. Constant
 * data, any thread.
 */
#ifndef MEMTEND_MODEL_STEP_H
#define MEMTEND_MODEL_STEP_H

#include <stdbool.h>
#include <stddef.h>

enum step_kind { STEP_HOOKS, STEP_COLLECT, STEP_TRIM, STEP_FREEZE, STEP_KIND_COUNT };

#define STEP_LIMIT 8 /* steps in one ladder */

struct step_info {
    const char *name;
    const char *does;
    const char *costs;
    const char *cannot;
    bool pauses; /* its run time is a pause of the program: the GIL is held */
};

const struct step_info *step_info(enum step_kind kind);
int step_find(const char *name, enum step_kind *ret_kind); /* -ENOENT */

#endif
