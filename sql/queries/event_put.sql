-- SPDX-License-Identifier: MIT
INSERT OR REPLACE INTO event (
    id, kind, boot, mono_usec, wall_usec, target, rule, receipt, asked_by, text)
VALUES (
    :id, :kind, :boot, :mono_usec, :wall_usec, :target, :rule, :receipt, :asked_by, :text);
