/* SPDX-License-Identifier: MIT */
/*
 * The questions of the first screen, answered from today's numbers: is anything about to die, what
 * is the one fitting step, may I believe this page. Pure. Each answer has a level (ok, watch, bad,
 * idle, unknown); what the numbers do not carry is said as unknown, never guessed.
 */
import * as format from "./format.js";

const MIB = 1024 ** 2;
/* Below 5 % available the kernel reclaims hot pages; below 15 % one burst leads there. */
const AVAILABLE_BAD = 0.05;
const AVAILABLE_WATCH = 0.15;
/* Share of 10 s in which all tasks, or some, stood still for memory. */
const FULL_BAD_PERCENT = 5;
const SOME_WATCH_PERCENT = 10;
/* A step worth a person's click: more than noise, and a tenth of what the process holds. */
const STEP_LEAST_BYTES = 16 * MIB;
const STEP_LEAST_SHARE = 0.1;
/* gc off and this many container objects since the last collection: cycles can hide here. With gc
 * on, CPython itself collects at 700 to 2,000. */
const GC_COUNT_MANY = 20000;
/* A process is worth naming when nothing can be done from this share of the machine on. */
const HEAVY_SHARE = 0.1;

export function danger(host) {
  if (!format.isKnown(host?.mem_available_bytes) || !format.isKnown(host.mem_total_bytes))
    return { level: "unknown", text: "The memory of this host is not known yet." };
  const share = host.mem_available_bytes / host.mem_total_bytes;
  const left = `${format.bytes(host.mem_available_bytes)} of ` +
    `${format.bytes(host.mem_total_bytes)} available`;
  const stalled = host.psi_full_avg10_percent ?? 0;
  if (share < AVAILABLE_BAD || stalled >= FULL_BAD_PERCENT)
    return { level: "bad", text: `Yes, memory is short: ${left}.` };
  if (share < AVAILABLE_WATCH || (host.psi_some_avg10_percent ?? 0) >= SOME_WATCH_PERCENT)
    return { level: "watch", text: `Not yet, but memory is tight: ${left}.` };
  return { level: "ok", text: `No. ${left}.` };
}

/* More than this a trim cannot give back: free in the heap, and resident at all. */
export function trimBound(process) {
  if (!format.isKnown(process.heap_free_bytes))
    return null;
  const resident = process.anon_bytes ?? process.rss_bytes;
  if (!format.isKnown(resident))
    return process.heap_free_bytes;
  const outside = Math.max(0, resident - (process.heap_used_bytes ?? 0));
  return Math.min(process.heap_free_bytes, outside);
}

/* The newest finished receipt of a process that holds the step. */
export function lastReceiptWith(receipts, id, step) {
  return receipts.find((receipt) => receipt.target === id && receipt.outcome !== undefined &&
    (receipt.steps ?? []).some((done) => done.step === step));
}

const inFamilyOfAnother = (process) => Boolean(process.family) && process.family !== process.id;
const canAct = (process) => process.agent?.state === "ready";

function wasInVain(receipts, id, step) {
  const receipt = lastReceiptWith(receipts, id, step);
  return receipt !== undefined && receipt.outcome !== "freed" && receipt.outcome !== "dry_run";
}

function trimCandidate(process, receipts) {
  const bound = trimBound(process);
  const least = Math.max(STEP_LEAST_BYTES, STEP_LEAST_SHARE * (process.rss_bytes ?? 0));
  if (bound === null || bound < least || wasInVain(receipts, process.id, "trim"))
    return null;
  return {
    process, action: "trim", weight: bound,
    text: `Its allocator holds up to ${format.bytes(bound)} of free pages.`,
  };
}

function collectCandidate(process, receipts) {
  const many = (process.py_gc_count0 ?? 0) >= GC_COUNT_MANY;
  if (process.py_gc_enabled !== false || !many || inFamilyOfAnother(process) ||
      wasInVain(receipts, process.id, "collect"))
    return null;
  return {
    process, action: "free", weight: process.rss_bytes ?? 0,
    text: `Its garbage collector is off and ${format.count(process.py_gc_count0)} container ` +
      "objects were made since the last collection. How much of it is unreachable is known " +
      "only after a collect.",
  };
}

/*
 * processes: biggest first. {kind: "step", process, action, text} or {kind: "cannot", text,
 * process} or {kind: "nothing", text}.
 */
export function fittingStep(host, processes, receipts) {
  if (processes.length === 0)
    return { kind: "unknown", text: "No process has been read yet." };
  const candidates = processes.filter(canAct)
    .flatMap((process) => [trimCandidate(process, receipts), collectCandidate(process, receipts)])
    .filter((candidate) => candidate !== null)
    .sort((a, b) => b.weight - a.weight);
  if (candidates.length > 0)
    return { kind: "step", ...candidates[0] };
  return withoutStep(host, processes);
}

function withoutStep(host, processes) {
  const biggest = processes[0];
  const { level } = danger(host);
  const heavy = (biggest.rss_bytes ?? 0) >= HEAVY_SHARE * (host?.mem_total_bytes ?? Infinity);
  const pressing = level === "bad" || level === "watch" || heavy;
  if (pressing && (biggest.agent?.state ?? "none") === "none")
    return {
      kind: "cannot", process: biggest, command: true,
      text: `holds ${format.bytes(biggest.rss_bytes)} and has no in-process agent.`,
    };
  if (level === "bad" || level === "watch")
    return {
      kind: "cannot", process: biggest,
      text: `holds ${format.bytes(biggest.rss_bytes)}, and neither collect nor trim ` +
        "would give back enough to matter.",
    };
  if (!processes.some(canAct))
    return {
      kind: "nothing", command: true,
      text: "Memory is not short. No process has an in-process agent, so memtend watches only.",
    };
  return { kind: "nothing", text: "Memory is not short, and no process with an in-process agent " +
    "holds much that a step could give back." };
}

/* Lines of "may I believe this page": {name, level, text}. */
export function trust(status, fresh) {
  return [ageLine(status, fresh), ...(status ? statusLines(status) : [])];
}

function ageLine(status, { level, age }) {
  const every = status ? `, a tick every ${format.count(status.tick_seconds ?? 1)}\u00a0s` : "";
  const text = age === null ? "no data yet" : `${format.age(age)} old${every}`;
  return { name: "Data", level, text };
}

const TRUST_LINES = [
  ["Unreadable", unreadableLine],
  ["In-process agents", agentsLine],
  ["Probe", probeLine],
  ["Store", storeLine],
  ["Own cost", costLine],
];

function statusLines(status) {
  return TRUST_LINES.map(([name, line]) => ({ name, ...line(status) }));
}

function unreadableLine({ processes, processes_unreadable: unreadable }) {
  if (!format.isKnown(unreadable))
    return { level: "unknown", text: format.UNKNOWN };
  return {
    level: unreadable > 0 ? "watch" : "ok",
    text: `${format.count(unreadable)} of ${format.count(processes)} processes`,
  };
}

function agentsLine({ agents, agents_ready: ready }) {
  if (!format.isKnown(agents))
    return { level: "unknown", text: format.UNKNOWN };
  if (agents === 0)
    return { level: "idle", text: "none connected" };
  return {
    level: ready < agents ? "watch" : "ok",
    text: `${format.count(ready)} ready of ${format.count(agents)} connected`,
  };
}

const PROBE_LEVELS = { ok: "ok", limited: "watch", down: "bad" };

function probeLine({ probe }) {
  const restarts = probe?.restarts > 0 ? `, restarted ${format.count(probe.restarts)} times` : "";
  const detail = probe?.detail ? `: ${format.clean(probe.detail)}` : "";
  return {
    level: PROBE_LEVELS[probe?.state] ?? "unknown",
    text: `${probe?.state ?? format.UNKNOWN}${restarts}${detail}`,
  };
}

const STORE_LEVELS = { ok: "ok", degraded: "bad", off: "watch" };

function storeLine({ store }) {
  const parts = [store?.state ?? format.UNKNOWN];
  if (format.isKnown(store?.size_bytes))
    parts.push(format.bytes(store.size_bytes));
  if (store?.dropped_ticks > 0)
    parts.push(`${format.count(store.dropped_ticks)} ticks dropped`);
  if (store?.detail)
    parts.push(format.clean(store.detail));
  const level = STORE_LEVELS[store?.state] ?? "unknown";
  return { level: level === "ok" && store.dropped_ticks > 0 ? "watch" : level,
    text: parts.join(", ") };
}

function costLine({ self }) {
  const memory = self?.private_bytes ?? self?.rss_bytes;
  return {
    level: format.isKnown(self?.cpu_percent) ? "ok" : "unknown",
    text: `${format.percent(self?.cpu_percent)} of a core, ${format.bytes(memory)}`,
  };
}
