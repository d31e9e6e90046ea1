-- SPDX-License-Identifier: MIT
-- Some of the first ones, up to the last that is too old. One that is not, and not of the future,
-- says that what came after it is younger, whatever a wrong clock wrote there.
DELETE FROM receipt
WHERE number <= (
    SELECT max(number) FROM (SELECT number, wall_usec FROM receipt ORDER BY number LIMIT :limit)
    WHERE wall_usec < :wall_usec AND number < ifnull(
        (SELECT min(number) FROM (SELECT number, wall_usec FROM receipt ORDER BY number LIMIT :limit)
         WHERE wall_usec BETWEEN :wall_usec AND :now_usec), 9223372036854775807));
