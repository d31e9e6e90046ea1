/* SPDX-License-Identifier: MIT */
/*
 * The daemon's HTTP face over an invented machine (world.mjs): same paths, same answers, same
 * headers, so that the page can be worked on and tested without a daemon.
 *   node mock.mjs [PORT]     serves web/ and prints the link
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { World, pssOf, rssOf, ussOf } from "./world.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
const BODY_LIMIT = 65536;
const TYPES = { ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8" };
const HEADERS = {
  "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; " +
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; " +
    "frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
};

class Refusal extends Error {
  constructor(status, code, detail) {
    super(detail);
    Object.assign(this, { status, code });
  }
}

/* The list that the daemon embeds, read from the same file. */
function loadAssets() {
  const text = readFileSync(join(ROOT, "web/assets.cmake"), "utf8");
  const list = /set\(MEMTEND_WEB_ASSETS\s+([^)]*)\)/.exec(text)[1].trim().split(/\s+/);
  return new Map(list.map((path) => [basename(path), join(ROOT, path)]));
}

function processJson(process, world) {
  const readable = !process.unreadable;
  const json = {
    id: process.id, pid: process.pid, ppid: process.ppid ?? 1, comm: process.comm, uid: process.uid,
    exec_count: 0, agent: process.agent ?? { state: "none" }, rss_bytes: rssOf(process),
    threads: 4, age_seconds: (world.now - world.startedAt) / 1000,
    cpu_percent: process.agent ? 3.2 + 2 * Math.sin(world.ticks / 9 + process.pid) : 0.2,
  };
  const optional = {
    name: process.name, cmdline: process.cmdline, unit: process.unit, family: process.family,
    pss_bytes: readable ? pssOf(process) : undefined,
    uss_bytes: readable ? ussOf(process) : undefined,
    pss_age_seconds: readable ? (world.ticks + process.pid) % 14 : undefined,
    uss_age_seconds: readable ? (world.ticks + process.pid) % 14 : undefined,
    swap_bytes: readable ? 0 : undefined,
    limit_bytes: 8 * 2 ** 30, headroom_bytes: 3 * 2 ** 30,
    anon_bytes: readable ? rssOf(process) - Math.round(process.file) : undefined,
    file_bytes: readable ? Math.round(process.file) : undefined,
  };
  if (process.agent)
    Object.assign(optional, {
      heap_total_bytes: Math.round(process.live + process.dead + process.slack),
      heap_used_bytes: Math.round(process.live + process.dead),
      heap_free_bytes: Math.round(process.slack), py_blocks: Math.round(process.live / 640),
      py_gc_enabled: process.gcEnabled, py_gc_count0: Math.round(process.gcCount), py_gc_count1: 4,
      py_gc_count2: 2, py_gc_garbage: 0, py_gc_frozen: 0 });
  for (const [name, value] of Object.entries(optional))
    if (value !== undefined)
      json[name] = value;
  return json;
}

/* The word of ?sort= to its value; the largest comes first, as from the daemon. */
const SORTS = {
  rss: (p) => p.rss_bytes, pss: (p) => p.pss_bytes, uss: (p) => p.uss_bytes,
  cpu: (p) => p.cpu_percent, pid: (p) => p.pid, comm: (p) => p.comm,
};

function processes({ world, query }) {
  const sort = SORTS[query.get("sort") ?? "rss"];
  if (!sort)
    throw new Refusal(422, "bad_sort", "sort: not one of rss, pss, uss, cpu, pid, comm");
  const q = (query.get("q") ?? "").toLowerCase();
  const fields = (p) => [p.comm, p.cmdline, p.unit, p.name].filter(Boolean);
  const items = world.processes.map((process) => processJson(process, world))
    .filter((p) => fields(p).some((text) => text.toLowerCase().includes(q)))
    .sort((a, b) => compare(sort(a), sort(b)));
  return page(items, query);
}

function compare(a, b) {
  if (typeof a === "string" || typeof b === "string")
    return a < b ? 1 : a > b ? -1 : 0;
  return (b ?? -1) - (a ?? -1);
}

function page(items, query) {
  const limit = Number(query.get("limit") ?? 100);
  const start = Number(query.get("cursor") ?? 0);
  if (!(limit >= 1 && limit <= 1000))
    throw new Refusal(422, "bad_limit", "limit: 1 to 1000");
  const end = start + limit;
  return { items: items.slice(start, end), next_cursor: end < items.length ? String(end) : null };
}

function status({ world }) {
  const agents = world.processes.filter((process) => process.agent).length;
  return {
    version: "0.1.0", started_at: new Date(world.startedAt).toISOString(),
    now: new Date(world.now).toISOString(),
    uptime_seconds: (world.now - world.startedAt) / 1000,
    ticks: world.ticks, tick_seconds: 1, tick_duration_seconds: 0.0021, tick_late_seconds: 0.0004,
    processes: world.processes.length, processes_unreadable: 1, agents, agents_ready: agents,
    rules: world.rules.length,
    rules_armed: world.rules.filter((rule) => rule.state === "armed").length,
    paused: world.paused !== null,
    paused_until: world.paused?.until ? new Date(world.paused.until).toISOString() : null,
    pause_reason: world.paused ? "asked by a person" : "",
    probe: { state: "ok", restarts: 0, deep_seconds_total: 2.1, detail: "" },
    store: { state: "ok", detail: null, queue: 0, dropped_ticks: 0, merged_ticks: 0,
      lost_ticks: 0, lost_logs: 0, refused_rows: 0, size_bytes: 21954560, durable: true },
    actor: { state: "unsupported" }, psi: "polled",
    self: { cpu_percent: 0.62, private_bytes: 5242880, rss_bytes: 9437184 },
    missing: [], user: "memtend", roles_separated: true,
  };
}

function oneProcess({ world, parts }) {
  const process = world.find(parts[0]);
  if (!process)
    throw new Refusal(404, "target_gone", "there is no such process (any more)");
  return processJson(process, world);
}

/* What is resident, sorted as the daemon does; all else is in files. */
function ledger({ world, parts }) {
  const process = world.find(parts[0]);
  if (!process)
    throw new Refusal(404, "target_gone", "there is no such process (any more)");
  const rss = rssOf(process);
  const known = process.agent
    ? [["python_used", process.live + process.dead, "live Python objects"],
      ["malloc_free", process.slack, "free inside malloc"]]
    : [["anon", process.live + process.dead + process.slack, "smaller anonymous mappings"]];
  const layers = known.map(([layer, size, what]) => ({ layer, bytes: Math.round(size), what }));
  const left = rss - layers.reduce((sum, { bytes }) => sum + bytes, 0);
  return { id: process.id, rss_bytes: rss, whole: true, missing: null,
    layers: [...layers, { layer: "file", bytes: left, what: "mapped files" }] };
}

function verdict(request) {
  const { id, rss_bytes: rss, layers: [first] } = ledger(request);
  return { id, cause: "python_objects", confidence: "medium", bytes: first.bytes, rss_bytes: rss,
    sentence: "Most of it are objects in use.", evidence: ["grown by 20 MiB in the last 5 min"],
    step: "none", cannot: "free live data", next: `memtend census ${id.split("-")[0]}`,
    whole: true, missing: null };
}

function groupsOf(world) {
  const byUnit = new Map();
  for (const process of world.processes.filter((one) => one.unit))
    byUnit.set(process.unit, [...(byUnit.get(process.unit) ?? []), process]);
  const sum = (list, of) => list.reduce((total, one) => total + of(one), 0);
  return [...byUnit].map(([name, list]) => ({
    name, kind: "unit", uid: 0, members: list.length, workers: 0, helpers: 0,
    rss_bytes: sum(list, rssOf), pss_bytes: sum(list, pssOf), pss_members: list.length,
    came: list.length + 3, went: 3, peak_rss_bytes: sum(list, rssOf), processes: list }));
}

function groups({ world, query }) {
  const sort = query.get("sort") ?? "pss";
  const value = (group) => group[sort] ?? group[`${sort}_bytes`];
  const all = groupsOf(world).map(({ processes: _, ...group }) => group);
  return page(all.sort((a, b) => (sort === "name" ? (a.name < b.name ? -1 : 1)
    : compare(value(a), value(b)))), query);
}

function oneGroup({ world, parts: [name] }) {
  const found = groupsOf(world).find((group) => group.name === name);
  if (!found)
    throw new Refusal(404, "not_found", "there is no such group (any more)");
  return { ...found, processes: found.processes.map((process) => processJson(process, world)) };
}

const COLUMNS = { rss: 1, pss: 2, uss: 3, "heap.used": 4, "heap.free": 5 };

function series({ world, query }) {
  const targets = query.get("target").split(",").map((target) => world.find(target));
  if (targets.includes(undefined))
    throw new Refusal(404, "target_gone", "No such target.");
  const [from, to] = ["from", "to"].map((name) => Date.parse(query.get(name)));
  const points = Number(query.get("points") ?? 300);
  const step = Math.max(1000, (to - from) / points);
  const lines = query.get("metric").split(",").filter((metric) => COLUMNS[metric]);
  return { step_seconds: step / 1000, series: targets.flatMap((process) => {
    const rows = world.history.get(process.id).filter(([at]) => at >= from && at <= to);
    return lines.map((metric) => ({
      target: process.id, metric, points: thin(rows, COLUMNS[metric], step) }));
  }) };
}

/* The last value of each bucket; a hole of several buckets is one null. */
function thin(rows, column, step) {
  const points = [];
  for (const row of rows) {
    if (row[column] === null)
      continue;
    const last = points.at(-1);
    if (last && Math.floor(last[0] / step) === Math.floor(row[0] / step))
      points.pop();
    else if (last && row[0] - last[0] > Math.max(3 * step, 65e3))
      points.push([last[0] + step, null]);
    points.push([row[0], Math.round(row[column])]);
  }
  return points;
}

function events({ world, query }) {
  const kind = query.get("kind");
  const from = Date.parse(query.get("from") ?? "") || 0;
  return page(world.events.filter((event) =>
    (!kind || event.kind === kind) && Date.parse(event.time) >= from), query);
}

function rules({ world }) {
  return { items: world.rules.map(({ name, text, source, state, sha256, fired, last }) => ({
    name, text, source, state, sha256, fired_count: fired,
    last_fired: last ? new Date(last).toISOString() : null })), next_cursor: null };
}

function oneRule({ world, parts: [name] }) {
  const rule = rules({ world }).items.find((item) => item.name === name);
  if (!rule)
    throw new Refusal(404, "no_rule", `No rule ${name}.`);
  return rule;
}

function armRule({ world, parts: [name, verb] }) {
  const rule = world.rules.find((candidate) => candidate.name === name);
  if (!rule)
    throw new Refusal(404, "no_rule", `No rule ${name}.`);
  rule.state = verb === "arm" ? "armed" : "dry_run";
  world.note(verb, "", `rule ${name}`, world.now, { rule: name });
  return oneRule({ world, parts: [name] });
}

function act({ world, body }) {
  const process = world.find(body.target ?? "");
  if (!process)
    throw new Refusal(404, "target_gone", "The target is not running.");
  if (!Array.isArray(body.steps) || body.steps.some((step) => !["collect", "trim"].includes(step)))
    throw new Refusal(422, "bad_step", "steps: each one of collect, trim");
  if (!process.agent)
    throw new Refusal(409, "no_agent", `${process.comm} (${process.pid}) has no in-process ` +
      "agent. Start it with: memtend run -- COMMAND");
  return world.run(process, body.steps, { askedBy: "token (http)", dryRun: body.dry_run });
}

const ROUTES = [
  ["GET", /^\/api\/v1\/status$/, status],
  ["GET", /^\/api\/v1\/host$/, ({ world }) => world.host()],
  ["GET", /^\/api\/v1\/processes$/, processes],
  ["GET", /^\/api\/v1\/processes\/([^/]+)$/, oneProcess],
  ["GET", /^\/api\/v1\/processes\/([^/]+)\/ledger$/, ledger],
  ["GET", /^\/api\/v1\/processes\/([^/]+)\/verdict$/, verdict],
  ["GET", /^\/api\/v1\/groups$/, groups],
  ["GET", /^\/api\/v1\/groups\/([^/]+)$/, oneGroup],
  ["GET", /^\/api\/v1\/series$/, series],
  ["GET", /^\/api\/v1\/events$/, events],
  ["GET", /^\/api\/v1\/actions$/, ({ world, query }) => page(world.receipts, query)],
  ["POST", /^\/api\/v1\/actions$/, act],
  ["GET", /^\/api\/v1\/rules$/, rules],
  ["GET", /^\/api\/v1\/rules\/([^/]+)$/, oneRule],
  ["POST", /^\/api\/v1\/rules\/([^/]+)\/(arm|disarm)$/, armRule],
  ["POST", /^\/api\/v1\/pause$/, ({ world, body }) => world.pause(body.for_seconds)],
  ["POST", /^\/api\/v1\/resume$/, ({ world }) => world.resume()],
];

class Mock {
  constructor() {
    this.token = randomBytes(24).toString("base64url");
    this.sessions = new Set();
    this.world = new World();
    this.assets = loadAssets();
    this.silent = false;
    this.server = createServer((request, response) => this.#answer(request, response));
  }

  async listen(port) {
    await new Promise((resolve) => this.server.listen(port, "127.0.0.1", resolve));
    this.host = `127.0.0.1:${this.server.address().port}`;
    this.url = `http://${this.host}`;
    this.timer = setInterval(() => this.world.tick(1), 1000);
    return this;
  }

  async close() {
    clearInterval(this.timer);
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /* Silent: connections are cut, as when the daemon is gone. */
  async #answer(request, response) {
    if (this.silent) {
      request.socket.destroy();
      return;
    }
    for (const [name, value] of Object.entries(HEADERS))
      response.setHeader(name, value);
    try {
      await this.#route(request, response);
    } catch (error) {
      if (!(error instanceof Refusal))
        throw error;
      const problem = { type: `urn:memtend:problem:${error.code}`, title: error.code,
        status: error.status, detail: error.message };
      sendJson(response, error.status, problem, "application/problem+json");
    }
  }

  async #route(request, response) {
    const url = new URL(request.url, this.url);
    if (request.headers.host !== this.host)
      throw new Refusal(421, "wrong_host", "This is not that host.");
    if (!url.pathname.startsWith("/api/"))
      return this.#sendAsset(url.pathname, response);
    if (url.pathname === "/api/v1/session")
      return this.#session(request, response);
    if (!this.#isKnown(request))
      throw new Refusal(401, "no_token", "A token is needed.");
    if (request.method !== "GET" && request.headers.origin !== this.url)
      throw new Refusal(403, "foreign_origin", "The request comes from another page.");
    const [, pattern, handler] = ROUTES.find(([method, candidate]) =>
      method === request.method && candidate.test(url.pathname)) ?? [];
    if (!handler)
      throw new Refusal(404, "not_found", "No such path.");
    const body = request.method === "GET" ? null : await readBody(request);
    const parts = pattern.exec(url.pathname).slice(1).map(decodeURIComponent);
    const answer = handler({ world: this.world, query: url.searchParams, parts, body });
    return answer === undefined ? response.writeHead(204).end()
      : sendTagged(request, response, answer);
  }

  #sendAsset(path, response) {
    const name = path === "/" ? "index.html" : path.replace(/^\/assets\//, "");
    const file = this.assets.get(name);
    if (!file || (path !== "/" && !path.startsWith("/assets/")))
      throw new Refusal(404, "not_found", "No such path.");
    response.writeHead(200, { "Content-Type": TYPES[extname(file)], "Cache-Control": "no-cache" });
    response.end(readFileSync(file));
  }

  #session(request, response) {
    if (request.method === "DELETE") {
      this.sessions.clear();
      return response.writeHead(204, { "Set-Cookie": "memtend=; Max-Age=0; Path=/" }).end();
    }
    if (!this.#hasToken(request))
      throw new Refusal(401, "no_token", "The token is wrong.");
    const id = randomBytes(18).toString("base64url");
    this.sessions.add(id);
    return response.writeHead(204, {
      "Set-Cookie": `memtend=${id}; HttpOnly; SameSite=Strict; Path=/; Max-Age=43200` }).end();
  }

  #hasToken(request) {
    const given = Buffer.from((request.headers.authorization ?? "").replace(/^Bearer /, ""));
    const token = Buffer.from(this.token);
    return given.length === token.length && timingSafeEqual(given, token);
  }

  #isKnown(request) {
    const cookie = /(?:^|; )memtend=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1];
    return this.sessions.has(cookie) || this.#hasToken(request);
  }
}

async function readBody(request) {
  const { "content-length": length, "transfer-encoding": encoding } = request.headers;
  if (!Number(length) && !encoding)
    return {};
  if (!/^application\/json\b/.test(request.headers["content-type"] ?? ""))
    throw new Refusal(415, "content_type", "Send application/json.");
  let text = "";
  for await (const piece of request) {
    text += piece;
    if (text.length > BODY_LIMIT)
      throw new Refusal(413, "too_large", "The body is too large.");
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, "bad_json", "The body is not JSON.");
  }
}

function sendTagged(request, response, answer) {
  const text = JSON.stringify(answer);
  const tag = `"${createHash("sha1").update(text).digest("base64url")}"`;
  if (request.method === "GET" && request.headers["if-none-match"] === tag)
    return response.writeHead(304, { ETag: tag }).end();
  response.setHeader("ETag", tag);
  return sendJson(response, 200, answer);
}

function sendJson(response, code, answer, type = "application/json") {
  return response.writeHead(code, { "Content-Type": type, "Cache-Control": "no-store" })
    .end(JSON.stringify(answer));
}

export async function startMock(port = 0) {
  return new Mock().listen(port);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const mock = await startMock(Number(process.argv[2] ?? 0));
  console.log(`${mock.url}/#token=${mock.token}`);
}
