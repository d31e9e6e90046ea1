-- SPDX-License-Identifier: MIT
-- What held when the time of the pins began: the last sample before it of each process. It is there
-- within :lookback ticks (model/tick: TICK_KEYFRAME). A sample of the first tick itself wins.
INSERT OR IGNORE INTO pinned_sample (
    pin, tick, wall_usec,
    rss_bytes, cpu_percent, threads, faults_major, age_seconds,
    anon_bytes, file_bytes, shmem_bytes, swap_bytes, rss_peak_bytes,
    pss_bytes, uss_bytes, swap_pss_bytes,
    heap_total_bytes, heap_used_bytes, heap_free_bytes,
    py_blocks, py_gc_enabled, py_gc_count0, py_gc_count1, py_gc_count2, py_gc_garbage,
    py_gc_frozen,
    py_used_bytes, py_pinned_bytes, py_free_bytes, py_pools, py_coverage_percent)
SELECT pin.id, :from_tick, pin.from_usec,
    rss_bytes, cpu_percent, threads, faults_major, age_seconds,
    anon_bytes, file_bytes, shmem_bytes, swap_bytes, rss_peak_bytes,
    pss_bytes, uss_bytes, swap_pss_bytes,
    heap_total_bytes, heap_used_bytes, heap_free_bytes,
    py_blocks, py_gc_enabled, py_gc_count0, py_gc_count1, py_gc_count2, py_gc_garbage,
    py_gc_frozen,
    py_used_bytes, py_pinned_bytes, py_free_bytes, py_pools, py_coverage_percent
FROM (
    SELECT max(id) AS id FROM sample
    WHERE id >= (:from_tick - :lookback) << 16 AND id < :from_tick << 16
        AND process IN (SELECT process FROM pin WHERE event = :event)
    GROUP BY process) AS held
    CROSS JOIN sample ON sample.id = held.id
    CROSS JOIN pin ON pin.event = :event AND pin.process = sample.process;
