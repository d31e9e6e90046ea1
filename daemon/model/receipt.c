/* SPDX-License-Identifier: MIT */
#include "model/receipt.h"

#include <errno.h>
#include <string.h>

#define RECEIPT_FREED_FLOOR_BYTES (INT64_C(1) << 20)
#define RECEIPT_FREED_PERCENT     2

void measure_set(struct measure *measure, enum measure_field field, int64_t bytes)
{
    measure->present |= UINT32_C(1) << field;
    measure->bytes[field] = bytes;
}

bool measure_get(const struct measure *measure, enum measure_field field, int64_t *ret_bytes)
{
    if (!(measure->present >> field & 1))
        return false;
    *ret_bytes = measure->bytes[field];
    return true;
}

bool measure_on_basis(const struct measure *measure, enum receipt_basis basis, int64_t *ret_bytes)
{
    int64_t bytes, swap;
    switch (basis) {
    case RECEIPT_BASIS_FAMILY_PSS:
        return measure_get(measure, MEASURE_FAMILY_PSS, ret_bytes);
    case RECEIPT_BASIS_USS:
        if (!measure_get(measure, MEASURE_USS, &bytes) ||
            !measure_get(measure, MEASURE_SWAP, &swap))
            return false;
        *ret_bytes = bytes + swap;
        return true;
    case RECEIPT_BASIS_RSS:
        return measure_get(measure, MEASURE_RSS, ret_bytes);
    }
    return false;
}

enum receipt_basis receipt_basis_of(const struct measure *before, const struct measure *after,
                                    uint32_t family_size)
{
    enum receipt_basis first = family_size > 1 ? RECEIPT_BASIS_FAMILY_PSS : RECEIPT_BASIS_USS;
    for (enum receipt_basis basis = first; basis < RECEIPT_BASIS_RSS; basis++) {
        /* USS of one member says nothing true about a family: a child's trim makes its parent
         * the sole owner. */
        if (basis == RECEIPT_BASIS_USS && family_size > 1)
            continue;
        int64_t unused;
        if (measure_on_basis(before, basis, &unused) && measure_on_basis(after, basis, &unused))
            return basis;
    }
    return RECEIPT_BASIS_RSS;
}

enum receipt_outcome receipt_judge(int64_t before_bytes, int64_t freed_bytes)
{
    int64_t floor = before_bytes / 100 * RECEIPT_FREED_PERCENT;
    if (floor < RECEIPT_FREED_FLOOR_BYTES)
        floor = RECEIPT_FREED_FLOOR_BYTES;
    return freed_bytes >= floor ? RECEIPT_OUTCOME_FREED : RECEIPT_OUTCOME_FREED_NOTHING;
}

static const char *const receipt_outcome_names[RECEIPT_OUTCOME_COUNT] = {
#define X(id, name) [RECEIPT_OUTCOME_##id] = (name),
    RECEIPT_OUTCOME_TABLE(X)
#undef X
};

const char *receipt_outcome_name(enum receipt_outcome outcome)
{
    return receipt_outcome_names[outcome];
}

int receipt_outcome_find(const char *name, enum receipt_outcome *ret_outcome)
{
    for (enum receipt_outcome outcome = 0; outcome < RECEIPT_OUTCOME_COUNT; outcome++) {
        if (strcmp(receipt_outcome_names[outcome], name) == 0) {
            *ret_outcome = outcome;
            return 0;
        }
    }
    return -ENOENT;
}

const char *receipt_basis_name(enum receipt_basis basis)
{
    static const char *const names[] = {[RECEIPT_BASIS_FAMILY_PSS] = "family_pss",
                                        [RECEIPT_BASIS_USS] = "uss",
                                        [RECEIPT_BASIS_RSS] = "rss"};
    return names[basis];
}
