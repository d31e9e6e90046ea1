-- SPDX-License-Identifier: MIT
-- Those that a daemon which stopped left open.
UPDATE process SET last_tick = max(first_tick, :tick) WHERE last_tick IS NULL;
