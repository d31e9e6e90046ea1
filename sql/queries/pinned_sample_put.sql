-- SPDX-License-Identifier: MIT
INSERT INTO pinned_sample (
    pin, tick, wall_usec,
    rss_bytes, cpu_percent, threads, faults_major, age_seconds,
    anon_bytes, file_bytes, shmem_bytes, swap_bytes, rss_peak_bytes,
    pss_bytes, uss_bytes, swap_pss_bytes,
    heap_total_bytes, heap_used_bytes, heap_free_bytes,
    py_blocks, py_gc_enabled, py_gc_count0, py_gc_count1, py_gc_count2, py_gc_garbage,
    py_gc_frozen,
    py_used_bytes, py_pinned_bytes, py_free_bytes, py_pools, py_coverage_percent)
VALUES (
    :pin, :tick, :wall_usec,
    :rss_bytes, :cpu_percent, :threads, :faults_major, :age_seconds,
    :anon_bytes, :file_bytes, :shmem_bytes, :swap_bytes, :rss_peak_bytes,
    :pss_bytes, :uss_bytes, :swap_pss_bytes,
    :heap_total_bytes, :heap_used_bytes, :heap_free_bytes,
    :py_blocks, :py_gc_enabled, :py_gc_count0, :py_gc_count1, :py_gc_count2, :py_gc_garbage,
    :py_gc_frozen,
    :py_used_bytes, :py_pinned_bytes, :py_free_bytes, :py_pools, :py_coverage_percent);
