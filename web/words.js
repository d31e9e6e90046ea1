/* SPDX-License-Identifier: MIT */
/*
 * What the page says about steps, outcomes, kinds and states: one table each, in the words of the
 * command line and the rules.
 */
export const STEPS = {
  collect: {
    does: "gc.collect(): drops unreachable cycles.",
    costs: "A pause of the program; after a fork it copies shared pages.",
    cannot: "free live data, or return memory to the operating system.",
  },
  trim: {
    does: "Gives the allocator's free pages back.",
    costs: "Milliseconds; it does not take the GIL.",
    cannot: "give back a page that still holds one live block.",
  },
  free: {
    does: "collect, then trim: drops unreachable cycles, then gives the free pages back.",
    costs: "A pause of the program; after a fork the collect copies shared pages.",
    cannot: "free live data, or give back a page that still holds one live block.",
  },
};

export const STEPS_OF = { collect: ["collect"], trim: ["trim"], free: ["collect", "trim"] };

/* level: ok, watch, bad or idle; it chooses mark and colour together. */
export const OUTCOMES = {
  not_reached: { label: "not reached", level: "idle", says: "An earlier step ended it." },
  running: { label: "running", level: "idle", says: "Not finished yet." },
  freed: { label: "freed", level: "ok", says: "The machine got memory back." },
  freed_nothing: {
    label: "freed nothing", level: "watch", says: "Less than 1 MiB or 2 % came back." },
  target_gone: { label: "target gone", level: "watch", says: "The process ended first." },
  agent_silent: {
    label: "agent silent", level: "bad", says: "The in-process agent did not answer in 10 s." },
  agent_busy: {
    label: "agent busy", level: "watch", says: "The in-process agent was at work already." },
  refused: { label: "refused", level: "watch", says: "It would have done harm." },
  backed_off: {
    label: "backed off", level: "watch", says: "The step freed nothing here before." },
  paused: { label: "paused", level: "watch", says: "memtend is paused." },
  dry_run: { label: "dry-run", level: "idle", says: "Only predicted; nothing was done." },
};

export const BASES = {
  family_pss: "PSS + swap over the family",
  uss: "USS + swap",
  rss: "RSS",
};

export const AGENTS = {
  none: { label: "none", level: "none", says: "memtend can watch this process, not act." },
  connecting: { label: "connecting", level: "idle", says: "It said hello." },
  ready: { label: "ready", level: "ok", says: "It can collect and trim." },
  busy: { label: "busy", level: "idle", says: "It is doing a step." },
  silent: { label: "silent", level: "bad", says: "It does not answer." },
};

export const RULE_STATES = {
  armed: { label: "armed", level: "ok", says: "It acts." },
  dry_run: { label: "dry-run", level: "idle", says: "It only writes what it would have done." },
  disarmed_by_edit: {
    label: "disarmed by edit", level: "watch",
    says: "Its text changed after it was armed, so it is in dry-run again." },
  shadowed: {
    label: "shadowed", level: "watch", says: "A rule of the same name in a file wins." },
};

/* line: how an event is drawn on a chart; absent: only listed. */
export const EVENTS = {
  start: { label: "start", says: "memtend started", line: "dotted" },
  stop: { label: "stop", says: "memtend stopped", line: "dotted" },
  rule_fired: { label: "rule fired", says: "an armed rule started its steps", line: "dashed" },
  rule_would_fire: { label: "rule would fire", says: "dry-run: nothing was done", line: "dashed" },
  receipt: { label: "receipt", says: "what was done, measured", line: "solid" },
  hello: { label: "hello", says: "an in-process agent connected", line: "dotted" },
  bye: { label: "bye", says: "an in-process agent left", line: "dotted" },
  exec: { label: "exec", says: "the process became another program", line: "dotted" },
  exit: { label: "exit", says: "the process ended", line: "dotted" },
  oom_kill: { label: "OOM kill", says: "the kernel killed for memory", line: "solid" },
  pressure: { label: "pressure", says: "the machine waits for memory", line: "dashed" },
  pressure_end: { label: "pressure over", says: "the machine waits for memory no more" },
  region: { label: "region", says: "a part of its work, named by the program", line: "dotted" },
  deploy: { label: "deploy", says: "a mark set by a person", line: "dashed" },
  pause: { label: "pause", says: "acting was paused" },
  resume: { label: "resume", says: "acting was resumed" },
  rules_loaded: { label: "rules loaded", says: "the rule files were read" },
  arm: { label: "arm", says: "a rule was armed" },
  disarm: { label: "disarm", says: "a rule was disarmed" },
  probe: { label: "probe", says: "the probe was lost, restarted or limited" },
  store: { label: "store", says: "the store degraded, resumed or was set aside" },
};

export const LEVELS = {
  ok: { mark: "●", says: "ok" },
  watch: { mark: "▲", says: "watch" },
  bad: { mark: "■", says: "bad" },
  idle: { mark: "◇", says: "note" },
  unknown: { mark: "○", says: "unknown" },
  none: { mark: "○", says: "none" },
};

/* The entry of a table, or one that shows the unheard-of word as it is. */
export function wordFor(table, key) {
  return Object.hasOwn(table, key) ? table[key] : { label: String(key), level: "idle", says: "" };
}

export const AGENT_COMMAND = "memtend run -- …";
