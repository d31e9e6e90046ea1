-- SPDX-License-Identifier: MIT
-- Which ticks may have been within a time.
SELECT first_tick, ticks FROM span INDEXED BY span_wall
WHERE last_wall_usec >= :from_usec AND first_wall_usec < :to_usec;
