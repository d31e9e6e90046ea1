-- SPDX-License-Identifier: MIT
SELECT first_tick, ticks, data FROM block
WHERE process = :process AND first_tick >= :from_tick AND first_tick < :to_tick
ORDER BY first_tick LIMIT :limit;
