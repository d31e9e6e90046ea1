-- SPDX-License-Identifier: MIT
SELECT name, sha256, wall_usec, asked_by FROM arming ORDER BY name LIMIT :limit;
