-- SPDX-License-Identifier: MIT
DELETE FROM tick WHERE id < :tick;
