-- SPDX-License-Identifier: MIT
-- Those of one event.
DELETE FROM pin WHERE event = (SELECT min(event) FROM pin);
