-- SPDX-License-Identifier: MIT
DELETE FROM setting WHERE name = :name;
