-- SPDX-License-Identifier: MIT
-- Blocks of one process, or of the host, that reach into a window.
SELECT first_tick, ticks, data FROM block
WHERE process = :process AND first_tick > :from_tick - 600 AND first_tick <= :to_tick
ORDER BY first_tick;
