/* SPDX-License-Identifier: MIT */
#include "act/judge.h"

int64_t judge_moved_to_swap(const struct measure *before, const struct measure *after)
{
    int64_t swap_before, swap_after;
    if (!measure_get(before, MEASURE_SWAP, &swap_before) ||
        !measure_get(after, MEASURE_SWAP, &swap_after) || swap_after < swap_before)
        return 0;
    return swap_after - swap_before;
}

int64_t judge_freed(const struct measure *before, const struct measure *after,
                    enum receipt_basis basis, int64_t *ret_before)
{
    int64_t bytes_before = 0, bytes_after = 0;
    *ret_before = 0;
    if (!measure_on_basis(before, basis, &bytes_before) ||
        !measure_on_basis(after, basis, &bytes_after))
        return 0;
    *ret_before = bytes_before;
    int64_t freed = bytes_before - bytes_after;
    /* The other bases count swap in; a page that RSS lost to swap is not given back. */
    return basis == RECEIPT_BASIS_RSS ? freed - judge_moved_to_swap(before, after) : freed;
}

enum receipt_outcome judge_step(const struct measure *before, const struct measure *after,
                                uint32_t family_size)
{
    int64_t bytes_before;
    enum receipt_basis basis = receipt_basis_of(before, after, family_size);
    int64_t freed = judge_freed(before, after, basis, &bytes_before);
    return receipt_judge(bytes_before, freed);
}
