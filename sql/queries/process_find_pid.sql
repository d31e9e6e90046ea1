-- SPDX-License-Identifier: MIT
-- The newest process that had this pid.
SELECT boot, start_ticks FROM process WHERE pid = :pid ORDER BY id DESC LIMIT 1;
