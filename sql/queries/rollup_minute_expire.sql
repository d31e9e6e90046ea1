-- SPDX-License-Identifier: MIT
-- The oldest few that end before a tick.
DELETE FROM rollup_minute
WHERE id IN (SELECT id FROM rollup_minute ORDER BY id LIMIT :limit) AND first_tick + ticks <= :tick;
