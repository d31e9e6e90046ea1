-- SPDX-License-Identifier: MIT
-- What stands beside the blobs of some hours; all of it is in an index.
SELECT process, count, rss_max, rss_sum, first_tick FROM block_hour
WHERE first_tick >= :from_tick AND first_tick < :to_tick AND count > 0;
