-- SPDX-License-Identifier: MIT
-- Those that are there, and those that were since a tick.
SELECT id FROM process WHERE last_tick IS NULL
UNION ALL
SELECT id FROM process WHERE last_tick >= :tick;
