-- SPDX-License-Identifier: MIT
DELETE FROM sample WHERE id < :tick << 16;
