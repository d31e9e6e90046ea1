-- SPDX-License-Identifier: MIT
-- Which group a process belonged to last, so that sums over a group know those that are gone. Rows
-- from before know nothing of it.
ALTER TABLE process ADD COLUMN group_name TEXT NOT NULL DEFAULT '';
CREATE INDEX process_unit ON process (unit) WHERE unit <> '';
CREATE INDEX process_group ON process (group_name) WHERE group_name <> '';

PRAGMA user_version = 5;
