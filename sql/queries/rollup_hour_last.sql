-- SPDX-License-Identifier: MIT
SELECT first_tick FROM rollup_hour ORDER BY id DESC LIMIT 1;
