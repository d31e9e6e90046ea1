-- SPDX-License-Identifier: MIT
-- The first tick at or after a time.
SELECT id FROM tick WHERE wall_usec >= :wall_usec ORDER BY wall_usec LIMIT 1;
