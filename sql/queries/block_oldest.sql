-- SPDX-License-Identifier: MIT
SELECT process, first_tick FROM block ORDER BY id LIMIT 1;
