/* SPDX-License-Identifier: MIT */
#include "model/census.h"

#include <errno.h>
#include <string.h>

static const char *const mode_names[CENSUS_MODE_COUNT] = {
    [CENSUS_ROOTS] = "roots", [CENSUS_SUSPECTS] = "suspects", [CENSUS_FULL] = "full"};

static const char *const kind_names[] = {
    [CENSUS_CONTAINER] = "container", [CENSUS_TYPE] = "type", [CENSUS_SUSPECT] = "suspect"};

int census_mode_find(const char *name, enum census_mode *ret_mode)
{
    for (enum census_mode mode = 0; mode < CENSUS_MODE_COUNT; mode++) {
        if (strcmp(name, mode_names[mode]) == 0) {
            *ret_mode = mode;
            return 0;
        }
    }
    return -EINVAL;
}

const char *census_mode_name(enum census_mode mode)
{
    return mode_names[mode];
}

const char *census_kind_name(enum census_kind kind)
{
    return kind_names[kind];
}
