-- SPDX-License-Identifier: MIT
-- What pymalloc, CPython's allocator of small objects, holds. Rows from before know nothing of it.
ALTER TABLE sample ADD COLUMN py_used_bytes INTEGER;
ALTER TABLE sample ADD COLUMN py_pinned_bytes INTEGER;
ALTER TABLE sample ADD COLUMN py_free_bytes INTEGER;
ALTER TABLE sample ADD COLUMN py_pools INTEGER;
ALTER TABLE sample ADD COLUMN py_coverage_percent INTEGER;

PRAGMA user_version = 2;
