-- SPDX-License-Identifier: MIT
-- Those of an event that no sample was found for.
DELETE FROM pin
WHERE event = :event
    AND NOT EXISTS (SELECT 1 FROM pinned_sample WHERE pinned_sample.pin = pin.id);
