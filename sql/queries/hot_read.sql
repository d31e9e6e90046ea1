-- SPDX-License-Identifier: MIT
SELECT number, begins, data FROM hot WHERE id = :id;
