-- SPDX-License-Identifier: MIT
-- The next process that has minutes.
SELECT process FROM rollup_minute WHERE process > :process ORDER BY process LIMIT 1;
