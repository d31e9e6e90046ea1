-- SPDX-License-Identifier: MIT
INSERT INTO process (
    id, boot, pid, start_ticks, exec_count, uid, comm, name, unit, group_name, cmdline, first_tick)
VALUES (
    :id, :boot, :pid, :start_ticks, :exec_count, :uid, :comm, :name, :unit, :group, :cmdline,
    :tick)
ON CONFLICT (id) DO UPDATE SET
    exec_count = excluded.exec_count, uid = excluded.uid, comm = excluded.comm,
    name = excluded.name, unit = excluded.unit, group_name = excluded.group_name,
    cmdline = excluded.cmdline;
