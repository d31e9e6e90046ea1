/* SPDX-License-Identifier: MIT */
import assert from "node:assert/strict";
import { test } from "node:test";

import * as state from "../../../web/state.js";

const process = (id, rss) => ({ id, rss_bytes: rss });
const T0 = Date.parse("2026-11-22T03:00:00Z");

test("history keeps the newest values and forgets the gone", () => {
  const history = new state.History();
  for (let i = 0; i < state.HISTORY_LENGTH + 5; i++)
    history.push([process("a", i)]);
  assert.equal(history.of("a").length, state.HISTORY_LENGTH);
  assert.equal(history.of("a").at(-1), state.HISTORY_LENGTH + 4);
  for (let i = 0; i < 31; i++)
    history.push([]);
  assert.deepEqual(history.of("a"), []);
});

test("rounds without the process, and rounds without its RSS, are gaps", () => {
  const history = new state.History();
  history.push([process("a", 1)]);
  history.push([]);
  history.push([process("a", 2)]);
  history.push([{ id: "a" }]);
  assert.deepEqual(history.of("a"), [1, null, 2, null]);
});

test("what the daemon recorded comes before, once", () => {
  const history = new state.History();
  history.push([process("a", 3)]);
  history.prepend("a", [1, 2]);
  history.prepend("a", [9]);
  history.prepend("b", [7]);
  history.push([process("a", 4), process("b", 8)]);
  assert.deepEqual(history.of("a"), [1, 2, 3, 4]);
  assert.deepEqual(history.of("b"), [7, 8]);
});

test("a tick without a list is not a gap", () => {
  const known = state.createState();
  state.takeAnswer(known, "status", { ticks: 1 }, T0);
  state.takeTick(known);
  state.takeAnswer(known, "biggest", { items: [process("a", 1)] }, T0);
  state.takeTick(known);
  assert.deepEqual(known.history.of("a"), [1]);
});

test("one point for each tick, however often it is asked", () => {
  const known = state.createState();
  state.takeAnswer(known, "biggest", { items: [process("a", 1)] }, T0);
  for (const ticks of [1, 1, 2]) {
    state.takeAnswer(known, "status", { ticks, now: new Date(T0).toISOString() }, T0);
    state.takeTick(known);
  }
  assert.equal(known.history.of("a").length, 2);
});

function atTick(wrongBy) {
  const known = state.createState();
  const at = T0 + wrongBy;
  const time = new Date(T0).toISOString();
  state.takeAnswer(known, "status", { now: time, tick_seconds: 1 }, at);
  state.takeAnswer(known, "host", { time }, at);
  return { known, at };
}

test("ages are right although the browser's clock is wrong", () => {
  for (const wrongBy of [0, 3600e3, -86400e3]) {
    const { known, at } = atTick(wrongBy);
    assert.equal(state.dataAge(known, at + 2500), 2.5);
    assert.equal(state.daemonNow(known, at + 2500), T0 + 2500);
  }
});

test("data grows old, an outage begins once and ends with an answer", () => {
  const { known, at } = atTick(0);
  assert.equal(state.freshness(known, at).level, "ok");
  assert.equal(state.freshness(known, at + 5000).level, "watch");
  state.takeFailure(known, at + 6000, at + 7000);
  state.takeFailure(known, at + 9000, at + 11000);
  assert.equal(known.failingSince, at + 6000);
  assert.equal(state.freshness(known, at + 9000).level, "bad");
  state.takeSuccess(known);
  assert.equal(known.failingSince, null);
  assert.equal(state.freshness(state.createState(), at).level, "unknown");
});
