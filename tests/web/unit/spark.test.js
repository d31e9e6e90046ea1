/* SPDX-License-Identifier: MIT */
import assert from "node:assert/strict";
import { test } from "node:test";

import { sparkRange, sparkSegments } from "../../../web/spark.js";

test("nothing known, nothing drawn", () => {
  assert.deepEqual(sparkSegments([], 10, 100, 20), []);
  assert.deepEqual(sparkSegments([null, null], 10, 100, 20), []);
});

test("a young line ends at the right edge", () => {
  const [points] = sparkSegments([1, 2], 11, 104, 20);
  assert.deepEqual(points.map(([x]) => x), [92, 102]);
});

test("a full line spans the width and its extremes the height", () => {
  const [points] = sparkSegments([0, 50, 100], 3, 104, 24);
  assert.deepEqual(points, [[2, 22], [52, 12], [102, 2]]);
});

test("a gap in the history is a gap in the line", () => {
  const segments = sparkSegments([1, null, null, 2, 3], 5, 100, 20);
  assert.deepEqual(segments.map((points) => points.length), [1, 2]);
});

test("an idle process is drawn flat, in the middle", () => {
  const base = 200 * 2 ** 20;
  const [points] = sparkSegments([base, base + 4096, base], 3, 104, 24);
  for (const [, y] of points)
    assert.ok(Math.abs(y - 12) < 1, `y = ${y}`);
  assert.deepEqual(sparkRange([0]), { low: -0.5, high: 0.5 });
});
