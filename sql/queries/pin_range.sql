-- SPDX-License-Identifier: MIT
-- The first tick of this boot since a time, but none before a gap: nothing held across it that we
-- know of. Among the newest ticks only, so that a clock that jumped costs nothing.
SELECT min(id), wall_usec
FROM (SELECT id, boot, mono_usec, wall_usec FROM tick ORDER BY id DESC LIMIT :limit)
WHERE boot = :boot AND mono_usec >= :from_mono_usec
    AND id >= ifnull((SELECT max(id) FROM tick WHERE gap IS NOT NULL), 0);
