-- SPDX-License-Identifier: MIT
INSERT INTO rule (name, text) VALUES (:name, :text)
ON CONFLICT (name) DO UPDATE SET text = excluded.text;
