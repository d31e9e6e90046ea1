-- SPDX-License-Identifier: MIT
INSERT INTO tick (
    id, boot, mono_usec, wall_usec, gap,
    mem_total_bytes, mem_available_bytes, mem_free_bytes, mem_cached_bytes, mem_shmem_bytes,
    swap_total_bytes, swap_free_bytes,
    psi_some_avg10_percent, psi_some_avg60_percent, psi_full_avg10_percent, psi_full_avg60_percent,
    oom_kills, host_faults_major, swap_in, swap_out)
VALUES (
    :id, :boot, :mono_usec, :wall_usec, :gap,
    :mem_total_bytes, :mem_available_bytes, :mem_free_bytes, :mem_cached_bytes, :mem_shmem_bytes,
    :swap_total_bytes, :swap_free_bytes,
    :psi_some_avg10_percent, :psi_some_avg60_percent, :psi_full_avg10_percent,
    :psi_full_avg60_percent,
    :oom_kills, :host_faults_major, :swap_in, :swap_out);
