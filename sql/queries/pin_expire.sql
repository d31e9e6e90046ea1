-- SPDX-License-Identifier: MIT
-- The oldest events' pins; the newest :keep events keep theirs. GROUP BY, not DISTINCT: as the only
-- value of a subquery, SQLite 3.40 gives DISTINCT's first row whatever the OFFSET.
DELETE FROM pin
WHERE event <= (SELECT event FROM pin GROUP BY event ORDER BY event DESC LIMIT 1 OFFSET :keep);
