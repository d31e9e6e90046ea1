-- SPDX-License-Identifier: MIT
-- After a kill the same block may come again from the hot rows: it is the same.
INSERT INTO block_hour (
    id, process, first_tick, ticks,
    count, rss_max, rss_sum, pss_count, pss_max, pss_sum, data)
VALUES (
    :id, :process, :first_tick, :ticks,
    :count, :rss_max, :rss_sum, :pss_count, :pss_max, :pss_sum, :data)
ON CONFLICT (process, first_tick) DO NOTHING;
