-- SPDX-License-Identifier: MIT
-- The first tick of which there is a sample in a block; NULL: there is none.
SELECT min(first_tick) FROM (
    SELECT first_tick FROM (SELECT first_tick FROM block ORDER BY id LIMIT 1)
    UNION ALL SELECT first_tick FROM (SELECT first_tick FROM block_hour ORDER BY id LIMIT 1));
