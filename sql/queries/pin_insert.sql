-- SPDX-License-Identifier: MIT
INSERT OR IGNORE INTO pin (event, process, pid, start_ticks, comm, victim, from_usec, to_usec)
VALUES (:event, :process, :pid, :start_ticks, :comm, :victim, :from_usec, :to_usec);
