-- SPDX-License-Identifier: MIT
SELECT count(*) FROM pinned_sample;
