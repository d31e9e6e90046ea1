-- SPDX-License-Identifier: MIT
-- The newest row of a process between two ticks (the first included, the second not).
SELECT id FROM sample
WHERE id >= :from_tick << 16 AND id < :to_tick << 16 AND process = :process
ORDER BY id DESC LIMIT 1;
