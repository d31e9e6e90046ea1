-- SPDX-License-Identifier: MIT
INSERT INTO boot (boot_id) VALUES (:boot_id) ON CONFLICT (boot_id) DO NOTHING;
