-- SPDX-License-Identifier: MIT
-- What stands beside the blobs of some hours; all of it is in an index.
SELECT process, pss_count, pss_max, pss_sum, first_tick FROM block_hour
WHERE first_tick >= :from_tick AND first_tick < :to_tick AND pss_count > 0;
