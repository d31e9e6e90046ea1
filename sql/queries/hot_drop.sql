-- SPDX-License-Identifier: MIT
DELETE FROM hot WHERE id > :id;
