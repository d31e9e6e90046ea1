-- SPDX-License-Identifier: MIT
-- When the ticks from one on were that are in blocks, the oldest first.
SELECT first_tick + ticks, last_wall_usec FROM span WHERE first_tick >= :tick ORDER BY first_tick;
