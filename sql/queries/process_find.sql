-- SPDX-License-Identifier: MIT
-- The newest boot that has this process; of one uid, or of any.
SELECT boot, start_ticks FROM process
WHERE pid = :pid AND start_ticks = :start_ticks AND (:uid IS NULL OR uid = :uid)
ORDER BY id DESC LIMIT 1;
