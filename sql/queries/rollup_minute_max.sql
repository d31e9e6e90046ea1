-- SPDX-License-Identifier: MIT
SELECT max(id) FROM rollup_minute;
