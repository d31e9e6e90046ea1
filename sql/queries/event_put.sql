-- SPDX-License-Identifier: MIT
INSERT OR REPLACE INTO event (
    id, kind, boot, mono_usec, wall_usec, target, rule, receipt, asked_by, text,
    pid, rss_bytes, kills, duration_usec, psi_some_avg10_percent, psi_full_avg10_percent,
    comm, unit, cgroup, oom_constraint, cause, certainty)
VALUES (
    :id, :kind, :boot, :mono_usec, :wall_usec, :target, :rule, :receipt, :asked_by, :text,
    :pid, :rss_bytes, :kills, :duration_usec, :psi_some_avg10_percent, :psi_full_avg10_percent,
    :comm, :unit, :cgroup, :oom_constraint, :cause, :certainty);
