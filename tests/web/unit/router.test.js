/* SPDX-License-Identifier: MIT */
import assert from "node:assert/strict";
import { test } from "node:test";

import { formatRoute, isProcessId, parseRoute, processAddress } from "../../../web/router.js";

test("every address comes back as it was", () => {
  for (const address of ["#/", "#/?q=etl+py&sort=pss", "#/p/4711-88213",
    "#/p/4711-88213?range=24h&show=table", "#/events?kind=oom_kill", "#/rules",
    "#/receipts?id=r00001"])
    assert.equal(formatRoute(parseRoute(address)), address);
});

test("what is at its default is not written", () => {
  const parameters = { q: "", sort: "rss", limit: "25" };
  assert.equal(formatRoute({ view: "overview", parameters }), "#/?limit=25");
});

test("an unknown address is the overview, unknown parameters are dropped", () => {
  for (const address of ["", "#", "#/nowhere", "#/p/", "#/p/4711", "#/p/x-1", "#/p/1-2/3",
    "#/rules/1-2"])
    assert.equal(parseRoute(address).view, "overview");
  assert.deepEqual(parseRoute("#/events?kind=exec&evil=1").parameters, { kind: "exec" });
});

test("an id is PID-STARTTICKS and nothing else", () => {
  assert.ok(isProcessId("4711-88213"));
  for (const id of ["0-1", "4711", "-1-2", "4711-88213x", "4711-88213\n", "a".repeat(40), null])
    assert.ok(!isProcessId(id), String(id));
  assert.equal(processAddress("1-3"), "#/p/1-3");
});
