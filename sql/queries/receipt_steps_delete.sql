-- SPDX-License-Identifier: MIT
DELETE FROM receipt_step WHERE receipt = (SELECT number FROM receipt WHERE id = :id);
