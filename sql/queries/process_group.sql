-- SPDX-License-Identifier: MIT
-- Those of one group that were there within some ticks, or within those that are not in blocks yet.
SELECT id, first_tick, last_tick, boot, pid, start_ticks FROM process
WHERE group_name = :name AND group_name <> ''
    AND (first_tick < :to_tick OR first_tick >= :new_tick)
    AND (last_tick IS NULL OR last_tick >= :from_tick)
LIMIT :limit;
