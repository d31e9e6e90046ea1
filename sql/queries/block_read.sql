-- SPDX-License-Identifier: MIT
-- What begins between two ticks of one process, oldest first.
SELECT first_tick, ticks, data FROM block
WHERE process = :process AND first_tick > :after AND first_tick < :before
ORDER BY first_tick;
