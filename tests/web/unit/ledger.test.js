/* SPDX-License-Identifier: MIT */
import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.matchMedia = () => ({ addEventListener() {} });
const { describeParts, partsOf } = await import("../../../web/ledger.js");
const { groupAddress, pssText } = await import("../../../web/groups.js");

const MIB = 2 ** 20;
const LEDGER = { rss_bytes: 100 * MIB, layers: [
  { layer: "python_used", bytes: 75 * MIB, what: "live" },
  { layer: "stacks", bytes: 0, what: "stacks" },
  { layer: "file", bytes: 25 * MIB, what: "mapped files" }] };

test("a layer without bytes has no part, and the parts are the whole", () => {
  const parts = partsOf(LEDGER);
  assert.deepEqual(parts.map(({ layer, share }) => [layer, share]),
    [["python_used", 0.75], ["file", 0.25]]);
  assert.deepEqual(partsOf(undefined), []);
});

test("a layer that is not known here is shown by its name", () => {
  const [part] = partsOf({ rss_bytes: 1, layers: [{ layer: "new_one", bytes: 1, what: "?" }] });
  assert.equal(part.label, "new_one");
});

test("the bar is told in words", () => {
  assert.match(describeParts(partsOf(LEDGER)), /Python, in use 75.*; files 25/u);
  assert.match(describeParts([]), /not known/);
});

test("PSS of some members only is marked, of none is not known", () => {
  const group = { members: 3, pss_members: 3, pss_bytes: MIB };
  assert.doesNotMatch(pssText(group), /\+/);
  assert.match(pssText({ ...group, pss_members: 2 }), /\+$/);
  assert.doesNotMatch(pssText({ members: 3, pss_members: 0 }), /\+/);
});

test("the name of a group stands in the address, whatever it is", () => {
  const address = groupAddress("a&b=c/#d", { sort: "pss" });
  assert.equal(new URLSearchParams(address.split("?")[1]).get("name"), "a&b=c/#d");
});
