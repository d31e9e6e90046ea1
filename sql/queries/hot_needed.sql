-- SPDX-License-Identifier: MIT
-- From which tick on they are not in blocks, and how many are not.
SELECT unsealed_tick, tick - unsealed_tick + 1 FROM hot ORDER BY number DESC LIMIT 1;
