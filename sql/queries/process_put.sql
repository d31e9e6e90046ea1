-- SPDX-License-Identifier: MIT
INSERT INTO process (
    id, boot, pid, start_ticks, exec_count, uid, comm, name, unit, cmdline, first_tick)
VALUES (
    :id, :boot, :pid, :start_ticks, :exec_count, :uid, :comm, :name, :unit, :cmdline, :tick)
ON CONFLICT (id) DO UPDATE SET
    exec_count = excluded.exec_count, uid = excluded.uid, comm = excluded.comm,
    name = excluded.name, unit = excluded.unit, cmdline = excluded.cmdline;
