/* SPDX-License-Identifier: MIT */
import assert from "node:assert/strict";
import { test } from "node:test";

/* The chart reads the theme from the document; its pure parts need none. */
globalThis.matchMedia = () => ({ addEventListener() {} });
const { byteTicks, placeEvents, pointsByMetric, timeTicks } = await import("../../../web/chart.js");

test("points are found by either name of a metric", () => {
  const points = pointsByMetric({ series: [{ metric: "rss_bytes", points: [[1, 2]] },
    { metric: "heap.free", points: [[3, null]] }] });
  assert.deepEqual(points.get("rss"), [[1, 2]]);
  assert.deepEqual(points.get("heap.free"), [[3, null]]);
  assert.deepEqual(points.get("pss"), []);
});

test("byte ticks are powers of two apart and at most seven", () => {
  for (const top of [1, 5e6, 240 * 2 ** 20, 1.4e9, 3e12]) {
    const ticks = byteTicks(top);
    assert.ok(ticks.length <= 7, `${ticks.length} ticks up to ${top}`);
    for (const [i, tick] of ticks.slice(1).entries())
      assert.ok(Number.isInteger(Math.log2(tick - ticks[i])));
  }
});

test("time ticks are whole minutes or hours of the reader's clock", () => {
  const at = Date.parse("2026-11-22T03:07:41Z");
  assert.ok(timeTicks(at - 300e3, at, 0).every((tick) => tick % 60e3 === 0));
  assert.ok(timeTicks(at - 3600e3, at, 0).every((tick) => tick % 600e3 === 0));
  const offset = -5.5 * 3600e3;
  const day = timeTicks(at - 86400e3, at, offset);
  assert.ok(day.length >= 3 && day.length <= 8);
  assert.ok(day.every((tick) => (tick - offset) % 3600e3 === 0));
});

test("a receipt keeps its label where a lesser event stands beside it", () => {
  const event = (id, kind, at) => ({ id, kind, time: new Date(at).toISOString() });
  const placed = placeEvents([event(1, "rule_fired", 50e3), event(2, "receipt", 51e3),
    event(3, "deploy", 10e3), event(4, "pause", 20e3), event(5, "deploy", 900e3)],
  { from: 0, to: 100e3 });
  const labels = Object.fromEntries(placed.map(({ id, hasRoom }) => [id, hasRoom]));
  assert.deepEqual(labels, { 1: false, 2: true, 3: true });
});
