-- SPDX-License-Identifier: MIT
INSERT INTO rollup_hour (id, process, first_tick, ticks, data)
VALUES (:id, :process, :first_tick, :ticks, :data)
ON CONFLICT (process, first_tick) DO NOTHING;
