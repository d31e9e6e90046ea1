-- SPDX-License-Identifier: MIT
-- What somebody asked for, newest first.
SELECT id, kind, mono_usec, wall_usec, target, rule, receipt, asked_by, text FROM audit
WHERE id < :before AND wall_usec >= :from_wall_usec
ORDER BY id DESC LIMIT :limit;
