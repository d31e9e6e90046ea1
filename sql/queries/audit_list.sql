-- SPDX-License-Identifier: MIT
-- What somebody asked for, newest first.
SELECT id, kind, mono_usec, wall_usec, target, rule, receipt, asked_by, text,
    pid, rss_bytes, kills, duration_usec, psi_some_avg10_percent, psi_full_avg10_percent,
    comm, unit, cgroup, oom_constraint, cause, certainty,
    EXISTS (SELECT 1 FROM pin WHERE pin.event = audit.id) FROM audit
WHERE id < :before
    AND id >= CASE WHEN :from_wall_usec > 0
        THEN ifnull((SELECT min(+id) FROM event WHERE wall_usec >= :from_wall_usec), :before)
        ELSE 0 END
    AND wall_usec >= :from_wall_usec
ORDER BY id DESC LIMIT :limit;
