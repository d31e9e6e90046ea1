-- SPDX-License-Identifier: MIT
-- Samples as compressed blocks of columns. Ticks are numbered without holes while the store can be
-- written; the plain rows of earlier versions go, everything else stays.
--
-- What a blob says is described in daemon/storage/block.h. Its columns are those of the metric
-- table, and of process 0, which is the host, also the times of the ticks. `first_tick` and `ticks`
-- say what it covers; the sums beside it let a question for the largest answer without any blob.
DROP TABLE sample;
DROP TABLE tick;
DELETE FROM process;

-- Each tick as it was written, until the blocks of its period are. A row fills a page, and is filled
-- again when its ticks are in blocks.
CREATE TABLE hot (
    id INTEGER PRIMARY KEY,
    number INTEGER NOT NULL,        -- order in which they were filled
    tick INTEGER NOT NULL,          -- the last one of which it has something
    unsealed_tick INTEGER NOT NULL, -- what is before it is in blocks
    begins INTEGER NOT NULL,        -- where the first tick begins that is not from the page before
    data BLOB NOT NULL              -- daemon/storage/hot_pages.h
);

-- Which ticks were when: one row for each block of the host.
CREATE TABLE span (
    first_tick INTEGER PRIMARY KEY,
    ticks INTEGER NOT NULL,
    boot INTEGER NOT NULL REFERENCES boot,
    first_mono_usec INTEGER NOT NULL,
    first_wall_usec INTEGER NOT NULL, -- the lowest and the highest of its ticks
    last_wall_usec INTEGER NOT NULL
);
CREATE INDEX span_wall ON span (last_wall_usec);

-- Up to 600 ticks of one process. id = first_tick / 600 << 20 | number.
CREATE TABLE block (
    id INTEGER PRIMARY KEY,
    process INTEGER NOT NULL,
    first_tick INTEGER NOT NULL,
    ticks INTEGER NOT NULL,
    count INTEGER, -- ticks at which RSS, and below PSS, are known; NULL: none
    rss_max INTEGER,
    rss_sum INTEGER,
    pss_count INTEGER,
    pss_max INTEGER,
    pss_sum INTEGER,
    data BLOB NOT NULL
);
CREATE UNIQUE INDEX block_process ON block (process, first_tick);

-- The same of up to 3,600 ticks. id = first_tick / 3600 << 20 | number.
CREATE TABLE block_hour (
    id INTEGER PRIMARY KEY,
    process INTEGER NOT NULL,
    first_tick INTEGER NOT NULL,
    ticks INTEGER NOT NULL,
    count INTEGER,
    rss_max INTEGER,
    rss_sum INTEGER,
    pss_count INTEGER,
    pss_max INTEGER,
    pss_sum INTEGER,
    data BLOB NOT NULL
);
CREATE UNIQUE INDEX block_hour_process ON block_hour (process, first_tick);

-- Each entry of a blob stands for 60 ticks: lowest, highest, last, sum, count. Up to an hour.
CREATE TABLE rollup_minute (
    id INTEGER PRIMARY KEY, -- first_tick / 3600 << 20 | number
    process INTEGER NOT NULL,
    first_tick INTEGER NOT NULL,
    ticks INTEGER NOT NULL,
    data BLOB NOT NULL
);
CREATE UNIQUE INDEX rollup_minute_process ON rollup_minute (process, first_tick);

-- Each entry stands for 3,600 ticks. Up to a day.
CREATE TABLE rollup_hour (
    id INTEGER PRIMARY KEY, -- first_tick / 86400 << 20 | number
    process INTEGER NOT NULL,
    first_tick INTEGER NOT NULL,
    ticks INTEGER NOT NULL,
    data BLOB NOT NULL
);
CREATE UNIQUE INDEX rollup_hour_process ON rollup_hour (process, first_tick);

-- What is largest over many hours, without their blobs.
CREATE INDEX block_hour_peak ON block_hour (
    first_tick, process, rss_max, rss_sum, count, pss_max, pss_sum, pss_count);

PRAGMA user_version = 4;
