-- SPDX-License-Identifier: MIT
-- Newest first; at :before ends the page that was read already.
SELECT number, id, pid, start_ticks, comm, rule, asked_by, mono_usec, wall_usec, finished_usec,
    basis, family_size,
    predicted_low_bytes, predicted_high_bytes, predicted_pause_usec, predicted_unshared_bytes,
    before_rss_bytes, before_pss_bytes, before_uss_bytes, before_swap_bytes,
    before_family_pss_bytes,
    after_rss_bytes, after_pss_bytes, after_uss_bytes, after_swap_bytes, after_family_pss_bytes,
    freed_bytes, moved_to_swap_bytes, outcome, note
FROM receipt WHERE number < :before
ORDER BY number DESC LIMIT :limit;
