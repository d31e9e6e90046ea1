-- SPDX-License-Identifier: MIT
-- Where nothing is known between the tick before and this one, newest first.
SELECT id FROM tick WHERE gap IS NOT NULL AND id <= :id ORDER BY id DESC;
