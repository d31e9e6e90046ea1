-- SPDX-License-Identifier: MIT
-- In the order in which they were written.
SELECT tick, boot, data FROM hot ORDER BY tick;
