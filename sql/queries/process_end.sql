-- SPDX-License-Identifier: MIT
UPDATE process SET last_tick = max(first_tick, :tick) WHERE id = :id;
