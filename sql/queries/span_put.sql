-- SPDX-License-Identifier: MIT
INSERT INTO span (
    first_tick, ticks, boot, first_mono_usec, first_wall_usec, last_wall_usec)
VALUES (:first_tick, :ticks, :boot, :first_mono_usec, :first_wall_usec, :last_wall_usec)
ON CONFLICT (first_tick) DO NOTHING;
