-- SPDX-License-Identifier: MIT
-- The last tick at or before a time.
SELECT id FROM tick WHERE wall_usec <= :wall_usec ORDER BY wall_usec DESC LIMIT 1;
