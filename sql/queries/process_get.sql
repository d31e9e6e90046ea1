-- SPDX-License-Identifier: MIT
-- One row, if it is of one uid, or of any.
SELECT pid, start_ticks, boot, first_tick, last_tick, comm, name, unit, cmdline FROM process
WHERE id = :id AND (:uid IS NULL OR uid = :uid);
