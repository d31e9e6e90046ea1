-- SPDX-License-Identifier: MIT
SELECT step, outcome,
    before_rss_bytes, before_pss_bytes, before_uss_bytes, before_swap_bytes,
    before_family_pss_bytes,
    after_rss_bytes, after_pss_bytes, after_uss_bytes, after_swap_bytes, after_family_pss_bytes,
    pause_usec, objects, note
FROM receipt_step WHERE receipt = :number
ORDER BY position;
