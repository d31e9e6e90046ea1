-- SPDX-License-Identifier: MIT
SELECT name, text FROM rule ORDER BY name LIMIT :limit;
