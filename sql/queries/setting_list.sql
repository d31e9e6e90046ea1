-- SPDX-License-Identifier: MIT
SELECT name, value FROM setting ORDER BY name LIMIT :limit;
