/* SPDX-License-Identifier: MIT */
/*
 * A small believable machine for the mock: processes that grow, free and answer steps, one armed
 * rule that acts, and a day of history made by running the same machine faster before it is shown.
 */
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const TOTAL = 24 * GIB;
const OOM_KILLS = 0;
const KEPT_EVENTS = 2000;

const RULES = [
  {
    name: "idle-after-burst", state: "armed", source: "file", least: 200 * MIB,
    text: 'rule idle-after-burst for each process where cmdline ~ "etl\\.py":\n' +
      "  when rss > 200 MiB for 20s\n  then collect, trim\n  at most once per 5m\n  armed",
    sha256: "9b1f0e6f5c2a4d7788c1a3f4e2d90b6611aa53cc07fe4d21b0a86f3c5de27a10",
  },
  {
    name: "arena-slack", state: "dry_run", source: "api",
    text: 'rule arena-slack for each process where cmdline ~ "resize\\.py":\n' +
      "  when heap.free > 64 MiB for 1m\n  then trim\n  at most once per 10m",
    sha256: "41c7d2a9e0b35f6618e2c4d7a9f0134b5c6d7e8f90a1b2c3d4e5f60718293a4b",
  },
  {
    name: "night-restart", state: "disarmed_by_edit", source: "file",
    text: 'rule night-restart for each process where comm = "celery":\n' +
      "  when rss > 2 GiB for 5m\n  then collect, trim\n  at most once per 1h",
    sha256: "7e57f00d7e57f00d7e57f00d7e57f00d7e57f00d7e57f00d7e57f00d7e57f00d",
  },
];

const AGENT = { state: "ready", runtime: "CPython 3.11.2", allocator: "glibc 2.36", version: 1 };
/* Uncleaned on purpose: the page must not depend on the daemon's cleaning. */
const HOSTILE = [
  ["<img src=x onerror=alert(1)>", "<script>alert('cmdline')</script> --x=\"><b>bold"],
  ["evil\u001b[31mred\nnext", "/usr/bin/evil \u001b]0;title\u0007"],
  ["gpj\u202eexe.tac", "/tmp/\u202egnp.exe \u2066hidden\u2069"],
];
const SMALL = ["sshd", "cron", "dbus-daemon", "systemd-journald", "systemd-logind", "rsyslogd",
  "agetty", "bash", "tmux: server", "chronyd", "polkitd", "udisksd", "nginx", "nginx",
  "redis-server", "node_exporter", "containerd", "dockerd", "gpg-agent", "systemd-udevd"];

/* A repeatable random number in 0..1, so that two runs of the tests see the same machine. */
function dice(seed) {
  let value = seed >>> 0;
  return () => {
    value = (Math.imul(value, 1664525) + 1013904223) >>> 0;
    return value / 2 ** 32;
  };
}

/* live: reachable bytes; dead: unreachable cycles; slack: free in the allocator, still resident. */
function python(pid, name, script, extra) {
  return {
    pid, comm: "python3", name, cmdline: `python3 ${script}`, uid: 1000, agent: { ...AGENT },
    live: 12 * MIB, dead: 0, slack: 1 * MIB, file: 9 * MIB, gcEnabled: true, gcCount: 300,
    grow() {}, ...extra,
  };
}

function plain(pid, comm, rss, extra = {}) {
  return { pid, comm, cmdline: `/usr/sbin/${comm}`, uid: 0, live: rss, dead: 0, slack: 0,
    file: Math.min(rss * 0.3, 20 * MIB), grow() {}, ...extra };
}

function cast(random) {
  const jitter = (process, dt) => {
    process.live = Math.max(MIB, process.live + (random() - 0.5) * 0.4 * MIB * Math.min(dt, 4));
  };
  const list = [
    python(4711, "etl-nightly", "/srv/etl/etl.py --batch 500 --password=***", {
      gcEnabled: false, unit: "etl.service",
      grow(dt) { this.dead += 0.72 * MIB * dt; this.gcCount += 5200 * dt; } }),
    python(5120, "session-cache", "/srv/web/cache.py", {
      live: 38 * MIB, unit: "cache.service", grow(dt) { this.live += 0.0016 * MIB * dt; } }),
    python(5333, "thumbnails", "/srv/img/resize.py --threads 8", {
      live: 41 * MIB, slack: 176 * MIB, unit: "thumbnails.service",
      grow(dt) { this.slack = Math.min(190 * MIB, this.slack + 0.02 * MIB * dt); } }),
    python(6001, undefined, "-m gunicorn app:web --workers 3", {
      live: 52 * MIB, unit: "web.service" }),
    ...[6004, 6005, 6006].map((pid) => python(pid, undefined, "-m gunicorn app:web --workers 3", {
      ppid: 6001, family: "6001-40211", live: 58 * MIB, slack: 6 * MIB, shared: 44 * MIB,
      unit: "web.service", grow(dt) { jitter(this, dt); } })),
    plain(2210, "postgres", 1480 * MIB, { uid: 110, unit: "postgresql@15-main.service",
      cmdline: "postgres: 15/main: checkpointer", grow(dt) { jitter(this, dt); } }),
    plain(3307, "java", 912 * MIB, { uid: 1001, unit: "search.service",
      cmdline: "/usr/bin/java -Xmx1g -jar search.jar", grow(dt) { jitter(this, dt); } }),
    plain(9001, "clamd", 640 * MIB, { uid: 120, unreadable: true, cmdline: undefined }),
    ...HOSTILE.map(([comm, cmdline], index) =>
      plain(7001 + index, comm, (3 + index) * MIB, { cmdline, uid: 1002 })),
    ...SMALL.map((comm, index) => plain(400 + 37 * index, comm, (2 + random() * 22) * MIB, {
      grow(dt) { if (index % 3 === 0) jitter(this, dt); } })),
    plain(1, "systemd", 12 * MIB, { cmdline: "/sbin/init" }),
  ];
  return list.map((process) => ({ ...process,
    id: `${process.pid}-${process.pid === 1 ? 3 : 40200 + (process.pid % 977)}` }));
}

const rssOf = (process) => Math.round(process.live + process.dead + process.slack + process.file);
const ussOf = (process) => Math.round(rssOf(process) - process.file - (process.shared ?? 0));
const pssOf = (process) =>
  Math.round(ussOf(process) + process.file / 3 + (process.shared ?? 0) / 4);

export class World {
  constructor(now = Date.now(), seed = 7) {
    this.random = dice(seed);
    this.processes = cast(this.random);
    for (const process of this.processes)
      if (process.pid === 6001)
        process.family = process.id;
    const master = this.processes.find((process) => process.pid === 6001);
    for (const process of this.processes)
      if (process.ppid === 6001)
        process.family = master.id;
    this.rules = RULES.map((rule) => ({ ...rule, fired: 0, last: null, since: null }));
    this.events = [];
    this.receipts = [];
    this.history = new Map(this.processes.map((process) => [process.id, []]));
    this.ticks = 0;
    this.paused = null;
    this.nextId = 1;
    this.#replay(now);
  }

  /* A day, coarse at first: the charts of every range have something to show. */
  #replay(now) {
    this.now = now - 86400e3;
    this.startedAt = this.now;
    this.note("start", "", "memtend 0.1.0 started");
    this.note("rules_loaded", "", "3 rules loaded, 1 armed");
    for (const process of this.processes.filter((candidate) => candidate.agent))
      this.note("hello", process.id, `in-process agent in ${process.comm}, ${AGENT.runtime}`);
    const stages = [[now - 3600e3, 60], [now - 300e3, 5], [now, 1]];
    for (const [until, step] of stages)
      while (this.now < until)
        this.tick(step);
    this.note("deploy", "", "thumbnails 4.2.0", now - 150e3);
  }

  note(kind, target, text, at = this.now, more = {}) {
    const time = new Date(at).toISOString();
    this.events.unshift({ id: String(this.nextId++), time, kind, target, text, ...more });
    this.events.length = Math.min(this.events.length, KEPT_EVENTS);
  }

  tick(dt = 1) {
    this.now += dt * 1000;
    this.ticks++;
    for (const process of this.processes) {
      process.grow(dt);
      const line = this.history.get(process.id);
      line.push([Math.round(this.now), rssOf(process), pssOf(process), ussOf(process),
        process.agent ? process.live + process.dead : null, process.agent ? process.slack : null]);
    }
    if (this.paused?.until && this.now >= this.paused.until)
      this.resume();
    this.#watch();
  }

  #watch() {
    const rule = this.rules[0];
    const target = this.processes[0];
    if (rssOf(target) <= rule.least || (rule.last && this.now - rule.last < 300e3))
      return;
    rule.last = this.now;
    rule.fired++;
    const armed = rule.state === "armed" && !this.paused;
    this.note(armed ? "rule_fired" : "rule_would_fire", target.id,
      `rule ${rule.name}: rss > 200 MiB`, this.now, { rule: rule.name });
    if (armed)
      this.run(target, ["collect", "trim"], { rule: rule.name, askedBy: `rule ${rule.name}` });
  }

  find(text) {
    const pid = /^pid:(\d+)$/.exec(text)?.[1];
    return this.processes.find((process) => process.id === text || String(process.pid) === pid);
  }

  run(process, steps, { rule, askedBy, dryRun = false }) {
    const before = this.#measure(process);
    const at = this.now;
    const done = steps.map((step) => this.#step(process, step, dryRun));
    const after = this.#measure(process);
    const freed = before.uss_bytes - after.uss_bytes;
    const enough = freed >= Math.max(MIB, before.uss_bytes * 0.02);
    const refused = done.some((step) => step.outcome === "refused");
    const receipt = {
      id: `r${(this.nextId++).toString(36).padStart(6, "0")}`, target: process.id, rule: rule ?? "",
      asked_by: askedBy, basis: process.family ? "family_pss" : "uss",
      time: new Date(at).toISOString(),
      comm: process.comm, predicted_bytes: [Math.round(freed * 0.9), Math.round(freed * 1.12)],
      predicted_pause_seconds: 0.05, steps: done,
      rss_before_bytes: before.rss_bytes, rss_after_bytes: after.rss_bytes,
      freed_bytes: freed, moved_to_swap_bytes: 0, durable: true,
      outcome: dryRun ? "dry_run" : enough ? "freed" : refused ? "refused" : "freed_nothing",
    };
    this.receipts.unshift(receipt);
    this.note("receipt", process.id, `${steps.join(", ")}: ${receipt.outcome}, ` +
      `${Math.round(freed / MIB)} MiB`, this.now, { receipt: receipt.id, rule: rule ?? "" });
    return receipt;
  }

  #measure(process) {
    return { rss_bytes: rssOf(process), pss_bytes: pssOf(process), uss_bytes: ussOf(process) };
  }

  #step(process, step, dryRun) {
    const before = this.#measure(process);
    const result = { step, outcome: "freed_nothing", note: "" };
    if (dryRun)
      result.outcome = "dry_run";
    else if (step === "collect" && process.ppid)
      Object.assign(result, { outcome: "refused",
        note: "a collect here would copy 44 MiB that is shared with the parent" });
    else
      Object.assign(result, step === "collect" ? collect(process) : trim(process));
    const after = this.#measure(process);
    for (const name of ["rss", "pss", "uss"]) {
      result[`${name}_before_bytes`] = before[`${name}_bytes`];
      result[`${name}_after_bytes`] = after[`${name}_bytes`];
    }
    if (before.uss_bytes - after.uss_bytes >= Math.max(MIB, before.uss_bytes * 0.02))
      result.outcome = "freed";
    return result;
  }

  pause(seconds) {
    this.paused = { until: seconds ? this.now + seconds * 1000 : null };
    this.note("pause", "", seconds ? `paused for ${seconds} s` : "paused until resumed");
  }

  resume() {
    this.paused = null;
    this.note("resume", "", "resumed");
  }

  host() {
    const used = this.processes.reduce((sum, process) => sum + ussOf(process), 4.1 * GIB);
    const cached = 7.6 * GIB;
    return {
      time: new Date(this.now).toISOString(), mem_total_bytes: TOTAL,
      mem_available_bytes: Math.round(TOTAL - used),
      mem_free_bytes: Math.round(TOTAL - used - cached),
      mem_cached_bytes: cached, swap_total_bytes: 2 * GIB, swap_free_bytes: 1.94 * GIB,
      psi_some_avg10_percent: 0.12, psi_some_avg60_percent: 0.31, psi_full_avg10_percent: 0,
      psi_full_avg60_percent: 0.05, oom_kills: OOM_KILLS,
    };
  }
}

function collect(process) {
  const objects = process.gcEnabled ? 0 : Math.round(process.gcCount);
  const share = process.dead / MIB;
  process.slack += process.dead;
  process.dead = 0;
  process.gcCount = 0;
  return { objects, pause_seconds: 0.004 + share * 0.0002 };
}

function trim(process) {
  process.slack = Math.min(process.slack, 2 * MIB);
  return { pause_seconds: 0.0031 };
}

export { rssOf, pssOf, ussOf };
