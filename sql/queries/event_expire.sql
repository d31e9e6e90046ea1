-- SPDX-License-Identifier: MIT
-- Some of the first ones, up to the last that is too old. One that is not, and not of the future,
-- says that what came after it is younger, whatever a wrong clock wrote there.
DELETE FROM event
WHERE id <= (
    SELECT max(id) FROM (SELECT id, wall_usec FROM event ORDER BY id LIMIT :limit)
    WHERE wall_usec < :wall_usec AND id < ifnull(
        (SELECT min(id) FROM (SELECT id, wall_usec FROM event ORDER BY id LIMIT :limit)
         WHERE wall_usec BETWEEN :wall_usec AND :now_usec), 9223372036854775807));
