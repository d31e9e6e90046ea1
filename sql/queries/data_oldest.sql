-- SPDX-License-Identifier: MIT
-- The first tick of which anything is in blocks; NULL: nothing is.
SELECT min(first_tick) FROM (
    SELECT first_tick FROM (SELECT first_tick FROM block ORDER BY id LIMIT 1)
    UNION ALL SELECT first_tick FROM (SELECT first_tick FROM block_hour ORDER BY id LIMIT 1)
    UNION ALL SELECT first_tick FROM (SELECT first_tick FROM rollup_minute ORDER BY id LIMIT 1)
    UNION ALL SELECT first_tick FROM (SELECT first_tick FROM rollup_hour ORDER BY id LIMIT 1));
