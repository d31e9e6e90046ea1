-- SPDX-License-Identifier: MIT
-- What an event says beside its text, and the flight recorder. Events from before say nothing of
-- it; NULL means unknown.
ALTER TABLE event ADD COLUMN pid INTEGER; -- of a victim that the store does not know
ALTER TABLE event ADD COLUMN rss_bytes INTEGER;
ALTER TABLE event ADD COLUMN kills INTEGER;
ALTER TABLE event ADD COLUMN duration_usec INTEGER;
ALTER TABLE event ADD COLUMN psi_some_avg10_percent INTEGER;
ALTER TABLE event ADD COLUMN psi_full_avg10_percent INTEGER;
ALTER TABLE event ADD COLUMN comm TEXT;
ALTER TABLE event ADD COLUMN unit TEXT;
ALTER TABLE event ADD COLUMN cgroup TEXT;
ALTER TABLE event ADD COLUMN oom_constraint TEXT;
ALTER TABLE event ADD COLUMN cause TEXT;
ALTER TABLE event ADD COLUMN certainty TEXT;

-- Whose samples from before an event are kept. They are copies: the retention of samples does not
-- know of them, and nothing that it takes is needed to read them.
CREATE TABLE pin (
    id INTEGER PRIMARY KEY,
    event INTEGER NOT NULL REFERENCES event ON DELETE CASCADE,
    process INTEGER NOT NULL, -- the row of the sample table
    pid INTEGER NOT NULL,
    start_ticks INTEGER NOT NULL,
    comm TEXT NOT NULL,
    victim INTEGER, -- 1: the event is about it; NULL: it shares its budget
    from_usec INTEGER NOT NULL, -- wall
    to_usec INTEGER NOT NULL
);
CREATE UNIQUE INDEX pin_event ON pin (event, process);

-- As in the sample table; the first one of a pin is what held when its time began.
CREATE TABLE pinned_sample (
    pin INTEGER NOT NULL REFERENCES pin ON DELETE CASCADE,
    tick INTEGER NOT NULL,
    wall_usec INTEGER NOT NULL,
    -- The metrics of a process, in the order of the metric table.
    rss_bytes INTEGER,
    cpu_percent INTEGER,
    threads INTEGER,
    faults_major INTEGER,
    age_seconds INTEGER,
    anon_bytes INTEGER,
    file_bytes INTEGER,
    shmem_bytes INTEGER,
    swap_bytes INTEGER,
    rss_peak_bytes INTEGER,
    pss_bytes INTEGER,
    uss_bytes INTEGER,
    swap_pss_bytes INTEGER,
    heap_total_bytes INTEGER,
    heap_used_bytes INTEGER,
    heap_free_bytes INTEGER,
    py_blocks INTEGER,
    py_gc_enabled INTEGER,
    py_gc_count0 INTEGER,
    py_gc_count1 INTEGER,
    py_gc_count2 INTEGER,
    py_gc_garbage INTEGER,
    py_gc_frozen INTEGER,
    py_used_bytes INTEGER,
    py_pinned_bytes INTEGER,
    py_free_bytes INTEGER,
    py_pools INTEGER,
    py_coverage_percent INTEGER,
    PRIMARY KEY (pin, tick)
) WITHOUT ROWID;

PRAGMA user_version = 3;
