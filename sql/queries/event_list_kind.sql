-- SPDX-License-Identifier: MIT
-- The same for one kind.
SELECT id, kind, mono_usec, wall_usec, target, rule, receipt, asked_by, text FROM event
WHERE kind = :kind AND id < :before AND wall_usec >= :from_wall_usec
ORDER BY id DESC LIMIT :limit;
