-- SPDX-License-Identifier: MIT
DELETE FROM receipt
WHERE number IN (
    SELECT number FROM receipt WHERE wall_usec < :wall_usec ORDER BY wall_usec LIMIT :limit);
