-- SPDX-License-Identifier: MIT
SELECT id FROM tick ORDER BY id LIMIT 1;
