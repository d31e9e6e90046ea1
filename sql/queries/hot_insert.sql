-- SPDX-License-Identifier: MIT
INSERT INTO hot (tick, boot, data) VALUES (:tick, :boot, :data);
