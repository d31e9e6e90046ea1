-- SPDX-License-Identifier: MIT
DELETE FROM hot WHERE tick < :tick;
