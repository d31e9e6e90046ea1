-- SPDX-License-Identifier: MIT
-- The end of the oldest few ticks that are all older than a time; NULL when there are none.
SELECT max(id) + 1
FROM (SELECT id, wall_usec FROM tick ORDER BY id LIMIT :limit)
WHERE wall_usec < :wall_usec;
