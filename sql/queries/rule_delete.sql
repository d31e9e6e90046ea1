-- SPDX-License-Identifier: MIT
DELETE FROM rule WHERE name = :name;
