-- SPDX-License-Identifier: MIT
INSERT INTO arming (name, sha256, wall_usec, asked_by)
VALUES (:name, :sha256, :wall_usec, :asked_by)
ON CONFLICT (name) DO UPDATE SET
    sha256 = excluded.sha256, wall_usec = excluded.wall_usec, asked_by = excluded.asked_by;
