/* SPDX-License-Identifier: MIT */
import assert from "node:assert/strict";
import { test } from "node:test";

import * as advice from "../../../web/advice.js";

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const ROOMY = {
  mem_total_bytes: 24 * GIB, mem_available_bytes: 16 * GIB, psi_some_avg10_percent: 0 };
const SHORT = { ...ROOMY, mem_available_bytes: 0.4 * GIB };

const stepFor = (processes, receipts = []) => advice.fittingStep(ROOMY, processes, receipts);
const withAgent = (extra) => ({ id: "9-1", pid: 9, comm: "python3", rss_bytes: 300 * MIB,
  anon_bytes: 290 * MIB, heap_used_bytes: 60 * MIB, heap_free_bytes: 2 * MIB, py_gc_enabled: true,
  agent: { state: "ready" }, ...extra });
const without = (extra) => ({ id: "5-1", pid: 5, comm: "java", rss_bytes: 20 * GIB,
  agent: { state: "none" }, ...extra });

test("danger follows what is available and who waits", () => {
  assert.equal(advice.danger(undefined).level, "unknown");
  assert.equal(advice.danger({ mem_total_bytes: GIB }).level, "unknown");
  assert.equal(advice.danger(ROOMY).level, "ok");
  assert.equal(advice.danger({ ...ROOMY, mem_available_bytes: 3 * GIB }).level, "watch");
  assert.equal(advice.danger({ ...ROOMY, psi_some_avg10_percent: 12 }).level, "watch");
  assert.equal(advice.danger(SHORT).level, "bad");
  assert.equal(advice.danger({ ...ROOMY, psi_full_avg10_percent: 6 }).level, "bad");
});

test("much free heap asks for a trim, with the most it can give back", () => {
  const step = stepFor([without(), withAgent({ heap_free_bytes: 180 * MIB })]);
  assert.equal(step.kind, "step");
  assert.equal(step.action, "trim");
  assert.equal(step.weight, 180 * MIB);
});

test("free heap that is not resident any more is not promised again", () => {
  const trimmed = withAgent({
    heap_free_bytes: 180 * MIB, rss_bytes: 75 * MIB, anon_bytes: 66 * MIB });
  assert.equal(advice.trimBound(trimmed), 6 * MIB);
  assert.equal(stepFor([trimmed]).kind, "nothing");
});

test("a step that was in vain here is not offered again", () => {
  const process = withAgent({ heap_free_bytes: 180 * MIB });
  const receipt = (outcome, target = "9-1") => ({ target, outcome, steps: [{ step: "trim" }] });
  assert.equal(stepFor([process], [receipt("freed_nothing")]).kind, "nothing");
  assert.equal(stepFor([process], [receipt("freed"), receipt("freed_nothing")]).kind, "step");
  assert.equal(stepFor([process], [receipt("freed_nothing", "8-1")]).kind, "step");
});

test("gc off with many objects asks for a collect, but not in a forked child", () => {
  const cycles = withAgent({ py_gc_enabled: false, py_gc_count0: 800000 });
  assert.equal(stepFor([cycles]).action, "free");
  assert.equal(stepFor([{ ...cycles, family: "9-1" }]).action, "free");
  assert.equal(stepFor([{ ...cycles, family: "8-1" }]).kind, "nothing");
  assert.equal(stepFor([{ ...cycles, py_gc_enabled: undefined }]).kind, "nothing");
});

test("an agent that is not ready is not asked", () => {
  const busy = withAgent({ heap_free_bytes: 180 * MIB, agent: { state: "silent" } });
  assert.equal(stepFor([busy]).kind, "nothing");
});

test("what cannot be helped is said, with the command that would change it", () => {
  const step = advice.fittingStep(SHORT, [without(), withAgent()], []);
  assert.equal(step.kind, "cannot");
  assert.equal(step.command, true);
  assert.equal(advice.fittingStep(SHORT, [withAgent()], []).command, undefined);
  assert.equal(stepFor([]).kind, "unknown");
});

test("trust names what is wrong, and unknown stays unknown", () => {
  const levels = (status) => Object.fromEntries(
    advice.trust(status, { level: "ok", age: 0.4 }).map(({ name, level }) => [name, level]));
  const good = { processes: 9, processes_unreadable: 0, agents: 1, agents_ready: 1,
    probe: { state: "ok" }, store: { state: "ok", size_bytes: 1 }, self: { cpu_percent: 1 } };
  assert.deepEqual(new Set(Object.values(levels(good))), new Set(["ok"]));
  assert.equal(levels({ ...good, processes_unreadable: 2 }).Unreadable, "watch");
  assert.equal(levels({ ...good, agents_ready: 0 })["In-process agents"], "watch");
  assert.equal(levels({ ...good, probe: { state: "down" } }).Probe, "bad");
  assert.equal(levels({ ...good, store: { state: "degraded" } }).Store, "bad");
  assert.equal(levels({ ...good, store: { state: "ok", dropped_ticks: 3 } }).Store, "watch");
  assert.deepEqual(new Set(Object.values(levels({})).slice(1)), new Set(["unknown"]));
});
