-- SPDX-License-Identifier: MIT
-- When the newest ticks were that are in blocks.
SELECT last_wall_usec FROM span ORDER BY first_tick DESC LIMIT 1;
