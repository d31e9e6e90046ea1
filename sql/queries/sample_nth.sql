-- SPDX-License-Identifier: MIT
-- The tick that ends the oldest few rows; no row when there are fewer.
SELECT tick FROM sample ORDER BY id LIMIT 1 OFFSET :rows;
