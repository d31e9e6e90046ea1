-- SPDX-License-Identifier: MIT
-- The highest number that a tick ever had. Spans outlive what they are about.
SELECT max(
    ifnull((SELECT max(tick) FROM hot), 0),
    ifnull((SELECT first_tick + ticks - 1 FROM span ORDER BY first_tick DESC LIMIT 1), 0),
    ifnull((SELECT max(last_tick) FROM process), 0));
