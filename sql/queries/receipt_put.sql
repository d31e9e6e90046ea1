-- SPDX-License-Identifier: MIT
INSERT INTO receipt (
    id, boot, pid, start_ticks, comm, rule, asked_by, mono_usec, wall_usec, finished_usec,
    basis, family_size,
    predicted_low_bytes, predicted_high_bytes, predicted_pause_usec, predicted_unshared_bytes,
    before_rss_bytes, before_pss_bytes, before_uss_bytes, before_swap_bytes,
    before_family_pss_bytes,
    after_rss_bytes, after_pss_bytes, after_uss_bytes, after_swap_bytes, after_family_pss_bytes,
    freed_bytes, moved_to_swap_bytes, outcome, note)
VALUES (
    :id, :boot, :pid, :start_ticks, :comm, :rule, :asked_by, :mono_usec, :wall_usec,
    :finished_usec, :basis, :family_size,
    :predicted_low_bytes, :predicted_high_bytes, :predicted_pause_usec, :predicted_unshared_bytes,
    :before_rss_bytes, :before_pss_bytes, :before_uss_bytes, :before_swap_bytes,
    :before_family_pss_bytes,
    :after_rss_bytes, :after_pss_bytes, :after_uss_bytes, :after_swap_bytes,
    :after_family_pss_bytes,
    :freed_bytes, :moved_to_swap_bytes, :outcome, :note)
ON CONFLICT (id) DO UPDATE SET
    finished_usec = excluded.finished_usec, basis = excluded.basis,
    family_size = excluded.family_size,
    predicted_low_bytes = excluded.predicted_low_bytes,
    predicted_high_bytes = excluded.predicted_high_bytes,
    predicted_pause_usec = excluded.predicted_pause_usec,
    predicted_unshared_bytes = excluded.predicted_unshared_bytes,
    before_rss_bytes = excluded.before_rss_bytes, before_pss_bytes = excluded.before_pss_bytes,
    before_uss_bytes = excluded.before_uss_bytes, before_swap_bytes = excluded.before_swap_bytes,
    before_family_pss_bytes = excluded.before_family_pss_bytes,
    after_rss_bytes = excluded.after_rss_bytes, after_pss_bytes = excluded.after_pss_bytes,
    after_uss_bytes = excluded.after_uss_bytes, after_swap_bytes = excluded.after_swap_bytes,
    after_family_pss_bytes = excluded.after_family_pss_bytes,
    freed_bytes = excluded.freed_bytes, moved_to_swap_bytes = excluded.moved_to_swap_bytes,
    outcome = excluded.outcome, note = excluded.note;
