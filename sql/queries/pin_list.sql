-- SPDX-License-Identifier: MIT
-- What is pinned for an event, the one that it is about first.
SELECT id, pid, start_ticks, comm, victim, from_usec, to_usec FROM pin
WHERE event = :event
ORDER BY victim IS NULL, id LIMIT :limit;
