-- SPDX-License-Identifier: MIT
DELETE FROM event
WHERE id IN (
    SELECT id FROM event WHERE wall_usec < :wall_usec ORDER BY wall_usec LIMIT :limit);
