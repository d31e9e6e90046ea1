/* SPDX-License-Identifier: MIT */
/*
 * Values to text for people: IEC bytes, percent, durations, times, and names that programs chose
 * for themselves. Pure; unknown (undefined, null, NaN) is always shown as an en dash, never as 0.
 */
export const UNKNOWN = "–";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const MINUS = "\u2212";
/* Hours 00 to 23 everywhere: an incident is read at 3 a.m. and "12:14" must not need a.m. */
const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };

const counts = new Intl.NumberFormat();
const plain = [0, 1, 2].map((digits) => new Intl.NumberFormat(undefined, {
  minimumFractionDigits: digits, maximumFractionDigits: digits }));
const clock = new Intl.DateTimeFormat(undefined, CLOCK);
const clockMinutes = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dayAndClock = new Intl.DateTimeFormat(undefined, {
  month: "short", day: "numeric", ...CLOCK });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

export function isKnown(value) {
  return typeof value === "number" && Number.isFinite(value);
}

/* Three significant digits as far as the magnitude allows: 9.84, 98.4, 984. */
function shortNumber(value) {
  const magnitude = Math.abs(value);
  return plain[magnitude >= 99.95 ? 0 : magnitude >= 9.995 ? 1 : 2].format(value);
}

export function bytes(value) {
  if (!isKnown(value))
    return UNKNOWN;
  const magnitude = Math.abs(value);
  let unit = 0;
  while (unit < UNITS.length - 1 && magnitude >= 999.5 * 1024 ** unit)
    unit++;
  const number = unit === 0 ? counts.format(magnitude) : shortNumber(magnitude / 1024 ** unit);
  return `${value < 0 ? MINUS : ""}${number}\u00a0${UNITS[unit]}`;
}

/* On an axis, where all values are whole powers of two: "64 MiB". */
export function axisBytes(value) {
  const unit = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(value || 1) / 10)));
  return `${value / 1024 ** unit}\u00a0${UNITS[unit]}`;
}

/* A fall or a rise: "+1.20 MiB", "−221 MiB". */
export function change(value) {
  return isKnown(value) && value > 0 ? `+${bytes(value)}` : bytes(value);
}

export function percent(value, digits = 1) {
  return isKnown(value) ? `${plain[digits].format(value)}\u00a0%` : UNKNOWN;
}

export function count(value) {
  return isKnown(value) ? counts.format(value) : UNKNOWN;
}

/* One unit, for pauses and ages: "4.10 ms", "12.0 s", "3 min". */
export function duration(seconds) {
  if (!isKnown(seconds))
    return UNKNOWN;
  if (seconds < 0.0000005)
    return "0\u00a0s";
  if (seconds < 0.001)
    return `${shortNumber(seconds * 1e6)}\u00a0µs`;
  if (seconds < 1)
    return `${shortNumber(seconds * 1e3)}\u00a0ms`;
  if (seconds < 120)
    return `${shortNumber(seconds)}\u00a0s`;
  return span(seconds);
}

/* Whole units, for ages and uptimes: "4 s", "3 min", "2 h 5 min", "3 d 4 h". */
export function span(seconds) {
  if (!isKnown(seconds))
    return UNKNOWN;
  if (seconds < 120)
    return `${Math.floor(seconds)}\u00a0s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120)
    return `${minutes}\u00a0min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48)
    return joinUnits(hours, "h", minutes % 60, "min");
  return joinUnits(Math.floor(hours / 24), "d", hours % 24, "h");
}

/* How old data is. Fresh data says so in one unchanging word instead of flickering digits. */
export function age(seconds) {
  return isKnown(seconds) && seconds < 2 ? "under 2\u00a0s" : span(seconds);
}

function joinUnits(large, largeUnit, small, smallUnit) {
  const head = `${large}\u00a0${largeUnit}`;
  return small === 0 ? head : `${head} ${small}\u00a0${smallUnit}`;
}

/* Accepts RFC 3339 text or milliseconds; null when it is no time. */
export function toMilliseconds(time) {
  const value = typeof time === "number" ? time : Date.parse(time ?? "");
  return Number.isFinite(value) ? value : null;
}

/* The clock alone within half a day of now, else with the day. */
export function time(value, now = Date.now()) {
  const at = toMilliseconds(value);
  if (at === null)
    return UNKNOWN;
  return (Math.abs(now - at) < 12 * 3600e3 ? clock : dayAndClock).format(at);
}

export function fullTime(value) {
  const at = toMilliseconds(value);
  return at === null ? UNKNOWN : full.format(at);
}

/* Label of a time axis; only the resolution that the range needs. */
export function axisTime(milliseconds, rangeSeconds) {
  return (rangeSeconds <= 900 ? clock : clockMinutes).format(milliseconds);
}

/* "12 s ago" */
export function ago(value, now) {
  const at = toMilliseconds(value);
  return at === null ? UNKNOWN : `${span(Math.max(0, (now - at) / 1000))} ago`;
}

/*
 * A name or command line comes from a process, so it may hold anything. The daemon cleans it; this
 * is the second lock on the same door: controls, bidirectional overrides and the invisible
 * characters that can make two names look equal become U+FFFD.
 */
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;

export function clean(text) {
  return String(text ?? "").replace(UNSAFE, "\ufffd");
}

/* The same for text of several lines that a person wrote: line breaks and tabs stay. */
export function cleanLines(text) {
  return String(text ?? "").split(/\r?\n/)
    .map((line) => clean(line.replaceAll("\t", "    "))).join("\n");
}
