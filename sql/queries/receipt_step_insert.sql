-- SPDX-License-Identifier: MIT
INSERT INTO receipt_step (
    receipt, position, step, outcome,
    before_rss_bytes, before_pss_bytes, before_uss_bytes, before_swap_bytes,
    before_family_pss_bytes,
    after_rss_bytes, after_pss_bytes, after_uss_bytes, after_swap_bytes, after_family_pss_bytes,
    pause_usec, objects, note)
SELECT number, :position, :step, :outcome,
    :before_rss_bytes, :before_pss_bytes, :before_uss_bytes, :before_swap_bytes,
    :before_family_pss_bytes,
    :after_rss_bytes, :after_pss_bytes, :after_uss_bytes, :after_swap_bytes,
    :after_family_pss_bytes,
    :pause_usec, :objects, :note
FROM receipt WHERE id = :id;
