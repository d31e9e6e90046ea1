-- SPDX-License-Identifier: MIT
-- The first tick of the oldest minutes from a number on.
SELECT first_tick FROM rollup_minute WHERE id >= :id ORDER BY id LIMIT 1;
