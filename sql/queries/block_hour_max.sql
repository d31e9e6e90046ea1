-- SPDX-License-Identifier: MIT
SELECT max(id) FROM block_hour;
