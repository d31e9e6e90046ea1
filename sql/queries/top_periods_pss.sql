-- SPDX-License-Identifier: MIT
-- The same of some ten minutes. Ids begin with the number of these.
SELECT process, pss_count, pss_max, pss_sum, first_tick FROM block
WHERE id >= :from_id AND id < :to_id AND pss_count > 0;
