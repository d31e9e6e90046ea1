-- SPDX-License-Identifier: MIT
-- The newest process that had this pid; of one uid, or of any.
SELECT boot, start_ticks FROM process
WHERE pid = :pid AND (:uid IS NULL OR uid = :uid)
ORDER BY id DESC LIMIT 1;
