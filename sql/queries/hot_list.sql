-- SPDX-License-Identifier: MIT
-- In the order in which they were filled.
SELECT id, number, tick FROM hot ORDER BY number;
