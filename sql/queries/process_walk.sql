-- SPDX-License-Identifier: MIT
-- Those that were there within some ticks, so many at a time.
SELECT process.id, boot_id, pid, start_ticks, exec_count, uid, comm, name, unit, group_name,
    cmdline
FROM process CROSS JOIN boot ON boot.id = process.boot
WHERE process.id > :after AND first_tick < :end_tick
    AND (last_tick IS NULL OR last_tick >= :first_tick)
ORDER BY process.id LIMIT :limit;
