/* SPDX-License-Identifier: MIT */
import assert from "node:assert/strict";
import { test } from "node:test";

import * as format from "../../../web/format.js";

const plain = (text) => text.replaceAll("\u00a0", " ");

test("bytes have three digits and IEC units", () => {
  for (const [value, text] of [[0, "0 B"], [999, "999 B"], [1023, "1.00 KiB"], [10240, "10.0 KiB"],
    [231 * 2 ** 20, "231 MiB"], [999.6 * 2 ** 20, "0.98 GiB"], [1023 * 2 ** 20, "1.00 GiB"],
    [-5e6, "\u22124.77 MiB"], [3 * 2 ** 60, "3,072 PiB"]])
    assert.equal(plain(format.bytes(value)), text);
});

test("unknown is never a zero", () => {
  for (const value of [undefined, null, NaN, Infinity, "12"])
    for (const show of [format.bytes, format.count, format.percent, format.duration, format.span])
      assert.equal(show(value), format.UNKNOWN);
  assert.equal(format.time(null), format.UNKNOWN);
  assert.equal(format.time("yesterday"), format.UNKNOWN);
});

test("durations choose their unit", () => {
  for (const [value, text] of [[0, "0 s"], [0.0000123, "12.3 µs"], [0.0041, "4.10 ms"],
    [0.31, "310 ms"], [3.2, "3.20 s"], [119, "119 s"], [121, "2 min"], [7200, "2 h"],
    [7500, "2 h 5 min"], [400000, "4 d 15 h"]])
    assert.equal(plain(format.duration(value)), text);
});

test("fresh data does not flicker", () => {
  assert.equal(plain(format.age(0.1)), "under 2 s");
  assert.equal(plain(format.age(1.9)), "under 2 s");
  assert.equal(plain(format.age(7.2)), "7 s");
});

test("an axis shows whole powers of two", () => {
  assert.equal(plain(format.axisBytes(0)), "0 B");
  assert.equal(plain(format.axisBytes(192 * 2 ** 20)), "192 MiB");
  assert.equal(plain(format.axisBytes(1.5 * 2 ** 30)), "1.5 GiB");
});

test("what a program calls itself cannot steer the text around it", () => {
  assert.equal(format.clean("a\u202eb\u001b[31m\nc\u2066d\u200be"),
    "a\ufffdb\ufffd[31m\ufffdc\ufffdd\ufffde");
  assert.equal(format.clean("<b>内存管家 naïve"), "<b>内存管家 naïve");
  assert.equal(format.clean(null), "");
  assert.equal(format.cleanLines("rule a:\n\twhen\u001b"), "rule a:\n    when\ufffd");
});
