-- SPDX-License-Identifier: MIT
SELECT id FROM boot WHERE boot_id = :boot_id;
