-- SPDX-License-Identifier: MIT
-- The newest boot that has this process.
SELECT boot, start_ticks FROM process
WHERE pid = :pid AND start_ticks = :start_ticks
ORDER BY id DESC LIMIT 1;
