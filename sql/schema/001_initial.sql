-- SPDX-License-Identifier: MIT
-- The first schema of memtend.db. Runs in one transaction on an empty file, whose page size
-- (4096), auto_vacuum (INCREMENTAL) and journal mode (WAL) are set before.
--
-- NULL means unknown, never 0. Times are microseconds: mono since boot, wall since 1970 (UTC).
-- Bytes, counts and microseconds are plain integers; percentages are stored times 100.

PRAGMA application_id = 0x6d74656e; -- "mten"
PRAGMA user_version = 1;

CREATE TABLE boot (
    id INTEGER PRIMARY KEY,
    boot_id TEXT NOT NULL UNIQUE -- /proc/sys/kernel/random/boot_id
);

-- One sampling round. Ids have no holes and rise with time, also over restarts.
CREATE TABLE tick (
    id INTEGER PRIMARY KEY,
    boot INTEGER NOT NULL REFERENCES boot,
    mono_usec INTEGER NOT NULL,
    wall_usec INTEGER NOT NULL,
    gap INTEGER, -- 1: nothing is known between the tick before and this one; else NULL
    -- The host's metrics, in the order of the metric table.
    mem_total_bytes INTEGER,
    mem_available_bytes INTEGER,
    mem_free_bytes INTEGER,
    mem_cached_bytes INTEGER,
    mem_shmem_bytes INTEGER,
    swap_total_bytes INTEGER,
    swap_free_bytes INTEGER,
    psi_some_avg10_percent INTEGER,
    psi_some_avg60_percent INTEGER,
    psi_full_avg10_percent INTEGER,
    psi_full_avg60_percent INTEGER,
    oom_kills INTEGER,
    host_faults_major INTEGER,
    swap_in INTEGER,
    swap_out INTEGER
);
CREATE INDEX tick_wall ON tick (wall_usec);
CREATE INDEX tick_gap ON tick (id) WHERE gap IS NOT NULL;

-- One process during one run of the daemon. exec keeps the row and raises exec_count.
CREATE TABLE process (
    id INTEGER PRIMARY KEY,
    boot INTEGER NOT NULL REFERENCES boot,
    pid INTEGER NOT NULL,
    start_ticks INTEGER NOT NULL,
    exec_count INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    comm TEXT NOT NULL,
    name TEXT NOT NULL,    -- given by `memtend run --name`, else ''
    unit TEXT NOT NULL,    -- systemd unit, else ''
    cmdline TEXT NOT NULL, -- redacted
    first_tick INTEGER NOT NULL,
    last_tick INTEGER -- the last one at which it was there; NULL while it lives
);
CREATE INDEX process_pid ON process (pid, start_ticks);
CREATE INDEX process_last ON process (last_tick);

-- Values of one process from this tick on, until its next row or its end. Written when one of them
-- changed, and now and then anyway. id = tick * 65536 + number within the tick, so rows are only
-- ever appended. `previous` is the id of the same process's row before, NULL for the first: one
-- process is read by walking back, without an index that each insert would have to pay for.
CREATE TABLE sample (
    id INTEGER PRIMARY KEY,
    tick INTEGER GENERATED ALWAYS AS (id >> 16) VIRTUAL,
    process INTEGER NOT NULL,
    previous INTEGER,
    -- The metrics of a process, in the order of the metric table.
    rss_bytes INTEGER,
    cpu_percent INTEGER,
    threads INTEGER,
    faults_major INTEGER,
    age_seconds INTEGER, -- microseconds
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
    py_gc_frozen INTEGER
);

CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    boot INTEGER NOT NULL REFERENCES boot,
    mono_usec INTEGER NOT NULL,
    wall_usec INTEGER NOT NULL,
    target TEXT NOT NULL, -- '' = the daemon itself
    rule TEXT NOT NULL,
    receipt TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX event_kind ON event (kind);
CREATE INDEX event_wall ON event (wall_usec);

-- What somebody asked for: the events that say who.
CREATE INDEX event_asked ON event (id) WHERE asked_by <> '';
CREATE VIEW audit AS SELECT * FROM event WHERE asked_by <> '';

CREATE TABLE receipt (
    number INTEGER PRIMARY KEY, -- order of their beginning
    id TEXT NOT NULL UNIQUE,
    boot INTEGER NOT NULL REFERENCES boot,
    pid INTEGER NOT NULL,
    start_ticks INTEGER NOT NULL,
    comm TEXT NOT NULL,
    rule TEXT NOT NULL, -- '' = asked by a person
    asked_by TEXT NOT NULL,
    mono_usec INTEGER NOT NULL,
    wall_usec INTEGER NOT NULL,
    finished_usec INTEGER, -- wall; NULL while running
    basis TEXT NOT NULL,
    family_size INTEGER NOT NULL,
    predicted_low_bytes INTEGER NOT NULL,
    predicted_high_bytes INTEGER NOT NULL,
    predicted_pause_usec INTEGER,
    predicted_unshared_bytes INTEGER NOT NULL,
    before_rss_bytes INTEGER,
    before_pss_bytes INTEGER,
    before_uss_bytes INTEGER,
    before_swap_bytes INTEGER,
    before_family_pss_bytes INTEGER,
    after_rss_bytes INTEGER,
    after_pss_bytes INTEGER,
    after_uss_bytes INTEGER,
    after_swap_bytes INTEGER,
    after_family_pss_bytes INTEGER,
    freed_bytes INTEGER NOT NULL,
    moved_to_swap_bytes INTEGER NOT NULL,
    outcome TEXT NOT NULL, -- '' while running
    note TEXT NOT NULL
);
CREATE INDEX receipt_wall ON receipt (wall_usec);

CREATE TABLE receipt_step (
    receipt INTEGER NOT NULL REFERENCES receipt ON DELETE CASCADE,
    position INTEGER NOT NULL, -- from 0
    step TEXT NOT NULL,
    outcome TEXT NOT NULL, -- '' = not reached
    before_rss_bytes INTEGER,
    before_pss_bytes INTEGER,
    before_uss_bytes INTEGER,
    before_swap_bytes INTEGER,
    before_family_pss_bytes INTEGER,
    after_rss_bytes INTEGER,
    after_pss_bytes INTEGER,
    after_uss_bytes INTEGER,
    after_swap_bytes INTEGER,
    after_family_pss_bytes INTEGER,
    pause_usec INTEGER,
    objects INTEGER, -- unreachable ones that a collect found
    note TEXT NOT NULL,
    PRIMARY KEY (receipt, position)
) WITHOUT ROWID;

-- Rules that came by the API; those of files stay in their files.
CREATE TABLE rule (
    name TEXT PRIMARY KEY,
    text TEXT NOT NULL
) WITHOUT ROWID;

-- Bound to the SHA-256 of the rule's text: an edited rule is not armed.
CREATE TABLE arming (
    name TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL,
    wall_usec INTEGER NOT NULL,
    asked_by TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
