-- SPDX-License-Identifier: MIT
-- None has more than 600 ticks.
DELETE FROM span WHERE first_tick <= :tick - 600;
