-- SPDX-License-Identifier: MIT
-- The oldest few that end before a tick.
DELETE FROM block
WHERE id IN (SELECT id FROM block ORDER BY id LIMIT :limit) AND first_tick + ticks <= :tick;
