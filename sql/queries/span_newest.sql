-- SPDX-License-Identifier: MIT
-- The newest tick of which there is a block.
SELECT first_tick + ticks - 1 FROM span ORDER BY first_tick DESC LIMIT 1;
