-- SPDX-License-Identifier: MIT
-- The ticks among which one is, or was the last before it.
SELECT first_tick, ticks, first_wall_usec, last_wall_usec FROM span
WHERE first_tick <= :tick
ORDER BY first_tick DESC LIMIT 1;
