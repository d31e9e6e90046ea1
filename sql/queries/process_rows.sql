-- SPDX-License-Identifier: MIT
-- All rows of one process, newest first: each run of the daemon made one.
SELECT id, first_tick, last_tick FROM process
WHERE pid = :pid AND start_ticks = :start_ticks AND boot = :boot
    AND (:uid IS NULL OR uid = :uid)
ORDER BY id DESC LIMIT :limit;
