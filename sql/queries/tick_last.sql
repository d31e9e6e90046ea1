-- SPDX-License-Identifier: MIT
-- The newest tick.
SELECT id, boot, mono_usec FROM tick ORDER BY id DESC LIMIT 1;
