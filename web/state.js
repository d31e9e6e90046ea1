/* SPDX-License-Identifier: MIT */
/*
 * What the page knows: the newest answer of every polled resource, when it came, the short history
 * behind the sparklines, and whether the daemon still answers. Pure; the clock is handed in as
 * milliseconds of the browser.
 */
/* Two minutes at one tick a second: what a glance needs; longer ranges come from the daemon. */
export const HISTORY_LENGTH = 120;
/* A process unseen for this many rounds is forgotten: it may have left the list for a moment. */
const FORGET_AFTER_ROUNDS = 30;
/* Data this many ticks old is called old: one tick may be late, one answer may be on its way. */
const OLD_AFTER_TICKS = 4;

export class History {
  constructor() {
    this.lines = new Map();
    this.round = 0;
  }

  /* One round: a value for each process seen; a process not seen gets a gap. */
  push(processes) {
    this.round++;
    for (const process of processes)
      this.#add(process.id, process.rss_bytes ?? null);
    for (const [id, line] of this.lines)
      if (this.round - line.seen > FORGET_AFTER_ROUNDS)
        this.lines.delete(id);
  }

  /* What the daemon recorded before the page was opened; values oldest first. */
  prepend(id, values) {
    const line = this.lines.get(id) ?? { seen: this.round, values: [] };
    if (line.hasPast)
      return;
    line.hasPast = true;
    line.values = [...values, ...line.values].slice(-HISTORY_LENGTH);
    this.lines.set(id, line);
  }

  #add(id, value) {
    const line = this.lines.get(id) ?? { seen: this.round - 1, values: [] };
    const gap = Math.min(this.round - line.seen - 1, HISTORY_LENGTH);
    for (let i = 0; i < gap; i++)
      line.values.push(null);
    line.values.push(value);
    line.values.splice(0, Math.max(0, line.values.length - HISTORY_LENGTH));
    line.seen = this.round;
    this.lines.set(id, line);
  }

  of(id) {
    return this.lines.get(id)?.values ?? [];
  }
}

export function createState() {
  return {
    answers: new Map(),
    history: new History(),
    problems: new Map(),
    failingSince: null,
    retryAt: null,
    tickTime: null,
  };
}

/* A new answer: 200 with another content than before. */
export function takeAnswer(state, name, body, now) {
  state.answers.set(name, { body, at: now });
}

export function answer(state, name) {
  return state.answers.get(name)?.body;
}

export function items(state, name) {
  return answer(state, name)?.items ?? [];
}

/* One point for each tick of the daemon: a poll that finds the same tick adds none. */
export function takeTick(state) {
  const tick = answer(state, "status")?.ticks ?? answer(state, "host")?.time;
  const seen = new Map();
  for (const name of ["biggest", "table"])
    for (const process of items(state, name))
      seen.set(process.id, process);
  if (tick === undefined || tick === state.tickTime || seen.size === 0)
    return;
  state.tickTime = tick;
  state.history.push(seen.values());
}

/* While no list is polled the lines would only gather gaps; they begin anew from the record. */
export function forgetHistory(state) {
  state.history = new History();
}

/* Polling as a whole: the first failure starts the outage, any success ends it. */
export function takeFailure(state, now, retryAt) {
  state.failingSince ??= now;
  state.retryAt = retryAt;
}

export function takeSuccess(state) {
  state.failingSince = null;
  state.retryAt = null;
}

/*
 * The daemon's clock now. It says its time with every status, so a browser on another machine
 * with a wrong clock still shows right ages.
 */
export function daemonNow(state, now) {
  const status = state.answers.get("status");
  const theirs = Date.parse(status?.body.now ?? "");
  return Number.isFinite(theirs) ? theirs + (now - status.at) : now;
}

/* Age of the newest tick in seconds, null before the first. */
export function dataAge(state, now) {
  const host = answer(state, "host");
  const measured = Date.parse(host?.time ?? "");
  if (!Number.isFinite(measured))
    return null;
  return Math.max(0, (daemonNow(state, now) - measured) / 1000);
}

export function freshness(state, now) {
  const age = dataAge(state, now);
  const tick = answer(state, "status")?.tick_seconds ?? 1;
  if (state.failingSince !== null)
    return { level: "bad", age };
  if (age === null)
    return { level: "unknown", age };
  return { level: age > OLD_AFTER_TICKS * tick ? "watch" : "ok", age };
}
