-- SPDX-License-Identifier: MIT
DELETE FROM arming WHERE name = :name;
