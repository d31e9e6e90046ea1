-- SPDX-License-Identifier: MIT
SELECT wall_usec, gap FROM tick WHERE id = :id;
