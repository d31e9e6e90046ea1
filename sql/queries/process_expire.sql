-- SPDX-License-Identifier: MIT
DELETE FROM process WHERE last_tick < :tick;
