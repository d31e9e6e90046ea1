-- SPDX-License-Identifier: MIT
-- A page that is there is overwritten where it lies.
INSERT OR REPLACE INTO hot (id, number, tick, unsealed_tick, begins, data)
VALUES (:id, :number, :tick, :unsealed_tick, :begins, :data);
