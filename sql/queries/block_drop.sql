-- SPDX-License-Identifier: MIT
DELETE FROM block
WHERE process = :process AND first_tick >= :from_tick AND first_tick <= :last_first_tick;
