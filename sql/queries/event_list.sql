-- SPDX-License-Identifier: MIT
-- Newest first; at :before ends the page that was read already. +id: the smallest id since a time
-- by the index of times, not by walking all events from the oldest; and not at all without one.
SELECT id, kind, mono_usec, wall_usec, target, rule, receipt, asked_by, text,
    pid, rss_bytes, kills, duration_usec, psi_some_avg10_percent, psi_full_avg10_percent,
    comm, unit, cgroup, oom_constraint, cause, certainty,
    EXISTS (SELECT 1 FROM pin WHERE pin.event = event.id) FROM event
WHERE id < :before
    AND id >= CASE WHEN :from_wall_usec > 0
        THEN ifnull((SELECT min(+id) FROM event WHERE wall_usec >= :from_wall_usec), :before)
        ELSE 0 END
    AND wall_usec >= :from_wall_usec
ORDER BY id DESC LIMIT :limit;
