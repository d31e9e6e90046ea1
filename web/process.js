/* SPDX-License-Identifier: MIT */
/*
 * One process: its figures, its memory over time with the events on it, its agent, the steps it
 * can be asked for, and the receipts of what was done to it.
 */
import { LINES, SeriesChart, pointsByMetric } from "./chart.js";
import { el, keyed, setAttribute, setFacts, setMarked, setNote, setText, stamp } from "./dom.js";
import { eventRow } from "./events.js";
import * as format from "./format.js";
import { LedgerPanel } from "./ledger.js";
import { createReceipt, updateReceipt } from "./receipt.js";
import { answer, daemonNow, items } from "./state.js";
import { ageOf, agentState, displayName } from "./table.js";
import { onThemeChange } from "./theme.js";
import { AGENTS, AGENT_COMMAND, EVENTS, STEPS, STEPS_OF, wordFor } from "./words.js";

export const RANGES = {
  "5m": { label: "5 min", seconds: 300 },
  "1h": { label: "1 h", seconds: 3600 },
  "24h": { label: "24 h", seconds: 86400 },
};
/* What a focused chart needs; the daemon downsamples to it. */
const POINTS = 300;
/* A line moves by one point in range / POINTS seconds; asking more often shows nothing new. */
const LONGEST_REFRESH_SECONDS = 30;
const TABLE_ROWS = 60;
const LISTED_EVENTS = 8;
const LISTED_RECEIPTS = 10;

export function processView(context, route) {
  const { nodes, refs } = stamp("process");
  const view = { nodes, refs, context, id: route.id, parameters: route.parameters, receipts: [] };
  const { poller } = context;
  poller.want("actions", "/api/v1/actions?limit=100");
  poller.want("process", `/api/v1/processes/${view.id}`);
  buildRanges(view);
  buildActions(view);
  buildLegend(view);
  refs.toggle.addEventListener("click", () => context.setParameters({
    ...view.parameters, show: view.parameters.show === "table" ? "chart" : "table" }));
  const ledger = new LedgerPanel(refs, view.id);
  const endTheme = onThemeChange(() => paintChart(view));
  showParameters(view);
  wantSeries(view);
  return {
    nodes,
    title: `Process ${view.id}`,
    update: (state, now) => update(view, state, now),
    setParameters(parameters) {
      view.parameters = parameters;
      showParameters(view);
      wantSeries(view);
      poller.nudge();
    },
    leave() {
      endTheme();
      ledger.destroy();
      view.chart?.destroy();
      for (const name of ["process", "series", "rangeEvents"])
        poller.drop(name);
    },
  };
}

function rangeOf({ parameters }) {
  return RANGES[parameters.range] ?? RANGES["5m"];
}

function wantSeries(view) {
  const { seconds } = rangeOf(view);
  const every = Math.min(LONGEST_REFRESH_SECONDS, seconds / POINTS);
  const metrics = LINES.map((line) => line.metric).join(",");
  const from = () => new Date(view.now() - seconds * 1000).toISOString();
  if (view.wanted === view.parameters.range)
    return;
  view.wanted = view.parameters.range;
  /* The lines of the former range must not stand under the name of this one. */
  view.context.poller.drop("series");
  view.context.poller.drop("rangeEvents");
  view.now = () => daemonNow(view.context.state, Date.now());
  view.context.poller.want("series", () => `/api/v1/series?target=${view.id}&metric=${metrics}` +
    `&from=${from()}&to=${new Date(view.now()).toISOString()}&points=${POINTS}`, every);
  view.context.poller.want("rangeEvents", () => `/api/v1/events?from=${from()}&limit=1000`, every);
}

function buildRanges({ refs, parameters, context }) {
  refs.ranges.replaceChildren(...Object.entries(RANGES).map(([range, { label }]) =>
    el("button", { type: "button", "data-range": range,
      onclick: () => context.setParameters({ ...parameters, ...currentShow(refs), range }) },
    label)));
}

const currentShow = (refs) => ({
  show: refs.toggle.getAttribute("aria-pressed") === "true" ? "table" : "chart" });

function showParameters({ refs, parameters }) {
  for (const button of refs.ranges.children)
    setAttribute(button, "aria-pressed", String(button.dataset.range === parameters.range));
  const asTable = parameters.show === "table";
  setAttribute(refs.toggle, "aria-pressed", String(asTable));
  refs.chartBox.hidden = asTable;
  refs.tableBox.hidden = !asTable;
}

/* A line can be hidden, so that a small one is not pressed flat by a large one. */
function buildLegend(view) {
  view.refs.legend.replaceChildren(...LINES.map(({ label, metric }, index) => {
    const button = el("button", { type: "button", "aria-pressed": "true", "data-line": metric,
      onclick: () => setAttribute(button, "aria-pressed", String(view.chart?.toggle(index))) },
    el("canvas", { class: "swatch", width: 60, height: 24, "aria-hidden": "true" }), label);
    return el("li", {}, button);
  }));
}

function buildActions(view) {
  view.refs.actions.replaceChildren(...Object.entries(STEPS).map(([action, words]) => {
    const tip = `tip-${action}`;
    return el("div", { class: "action" },
      el("button", { type: "button", "data-action": action, "aria-describedby": tip,
        onclick: () => runSteps(view, action) }, action),
      el("div", { class: "tip", role: "tooltip", id: tip },
        el("p", {}, words.does), el("p", {}, el("b", {}, "Cost: "), words.costs),
        el("p", {}, el("b", {}, "Cannot: "), words.cannot)));
  }));
}

async function runSteps(view, action) {
  const { refs, context } = view;
  setBusy(refs, action);
  setNote(refs.actProblem, null);
  try {
    const receipt = await context.act(view.id, STEPS_OF[action]);
    view.receipts.unshift(receipt);
  } catch (error) {
    setNote(refs.actProblem, error.message);
  } finally {
    setBusy(refs, null);
  }
}

function setBusy(refs, action) {
  for (const button of refs.actions.querySelectorAll("button")) {
    button.disabled = action !== null;
    setAttribute(button, "aria-busy", button.dataset.action === action ? "true" : null);
  }
}

function update(view, state, now) {
  const { refs } = view;
  const process = answer(state, "process");
  setNote(refs.problem, problemText(state.problems.get("process"), process));
  if (process) {
    updateHead(refs, process);
    updateFigures(refs, process);
    updateAgent(refs, process);
  }
  updateChart(view, state, now);
  updateReceipts(view, items(state, "actions"), process);
}

function problemText(problem, process) {
  if (!problem)
    return null;
  return process ? `${problem.message}. What is shown is the last that was seen.` : problem.message;
}

function updateHead(refs, process) {
  setText(refs.name, format.clean(displayName(process)));
  setText(refs.pid, String(process.pid));
  setAttribute(refs.pid, "title", `process ${process.id}`);
  setText(refs.cmdline, format.clean(process.cmdline ?? "command line not readable"));
}

/* [label, metric]: bytes with the age of their reading. */
const FIGURES = [
  ["RSS", "rss"], ["PSS", "pss"], ["USS", "uss"], ["Swap", "swap"], ["Anonymous", "anon"],
  ["Peak RSS", "peak_rss"], ["Heap used", "heap_used"], ["Heap free", "heap_free"],
  ["Python used", "py_used"], ["Python pinned", "py_pinned"], ["Python free", "py_free"],
  ["Limit", "limit"], ["Headroom", "headroom"],
];

function updateFigures(refs, process) {
  const figures = FIGURES.filter(([, metric]) =>
    metric === "rss" || format.isKnown(process[`${metric}_bytes`]));
  keyed(refs.figures, figures, ([label]) => label,
    ([label]) => el("div", {}, el("dt", {}, label), el("dd", {}),
      el("dd", { class: "age" })),
    (row, [, metric]) => {
      const age = ageOf(process, metric);
      setText(row.children[1], format.bytes(process[`${metric}_bytes`]));
      setText(row.children[2], age >= 1 ? `${format.span(age)} old` : "");
    });
}

function updateAgent(refs, process) {
  const { label, level, says } = wordFor(AGENTS, agentState(process));
  const isThere = level !== "none";
  setMarked(refs.agent, level, label);
  setText(refs.agentHint, isThere ? says : `${says} Start it with ${AGENT_COMMAND}`);
  setText(refs.actHint, isThere ? "" : "Needs an in-process agent.");
  setFacts(refs.agentFacts, agentFacts(process));
}

function agentFacts(process) {
  const agent = process.agent ?? {};
  const enabled = process.py_gc_enabled;
  const counts = [0, 1, 2].map((generation) => process[`py_gc_count${generation}`]);
  const all = [
    ["Runtime", agent.runtime && format.clean(agent.runtime)],
    ["Allocator", agent.allocator && format.clean(agent.allocator)],
    ["Agent version", agent.version && format.clean(agent.version)],
    ["gc", typeof enabled !== "boolean" ? null : enabled ? "on" : "off"],
    ["gc counts", counts.some(format.isKnown) ? counts.map(format.count).join(" / ") : null,
      "container objects or collections since the last collection of generation 0, 1, 2"],
    ["gc.garbage", numberOrNull(process.py_gc_garbage), "uncollectable objects"],
    ["gc frozen", numberOrNull(process.py_gc_frozen)],
    ["Blocks", numberOrNull(process.py_blocks), "sys.getallocatedblocks()"],
    ["Threads", numberOrNull(process.threads)],
    ["CPU", format.isKnown(process.cpu_percent) ? format.percent(process.cpu_percent) : null],
    ["Running for", format.isKnown(process.age_seconds) ? format.span(process.age_seconds) : null],
    ["Unit", process.unit && format.clean(process.unit)],
    ["uid", format.isKnown(process.uid) ? String(process.uid) : null],
    ["exec count", numberOrNull(process.exec_count), "times it became another program"],
  ];
  return all.filter(([, value]) => value);
}

const numberOrNull = (value) => (format.isKnown(value) ? format.count(value) : null);

function concerns(event, id) {
  const targets = (event.target ?? "").split(",");
  return !event.target || targets.includes(id) || targets.includes(`pid:${id.split("-")[0]}`);
}

function updateChart(view, state, now) {
  const { refs, id } = view;
  setNote(refs.seriesProblem, state.problems.get("series")?.message);
  const body = answer(state, "series");
  const to = daemonNow(state, now);
  const range = { from: to - rangeOf(view).seconds * 1000, to };
  const events = items(state, "rangeEvents").filter((event) => concerns(event, id));
  updateEvents(refs, events.filter((event) => wordFor(EVENTS, event.kind).line));
  if (!body && !view.chart)
    return;
  const points = pointsByMetric(body);
  if (!view.chart) {
    view.chart = new SeriesChart(refs.canvas);
    paintChart(view);
  }
  view.chart.show(points, events, range);
  describe(refs, points, rangeOf(view).label);
  if (view.parameters.show === "table")
    updateSeriesTable(refs, points);
}

function paintChart({ chart, refs }) {
  chart?.paint();
  refs.legend.querySelectorAll(".swatch").forEach((canvas, index) =>
    chart?.drawSwatch(canvas, index));
}

function updateEvents(refs, events) {
  refs.eventsEmpty.hidden = events.length > 0;
  const newest = events.sort((a, b) => Date.parse(b.time) - Date.parse(a.time));
  keyed(refs.events, newest.slice(0, LISTED_EVENTS), (event) => event.id,
    (event) => eventRow(event, { showTarget: false }));
}

/* The chart in one sentence, for those who cannot see it; lines without points are dimmed. */
function describe(refs, points, label) {
  const parts = [];
  LINES.forEach((line, index) => {
    const known = points.get(line.metric).filter(([, value]) => value !== null);
    refs.legend.children[index].classList.toggle("without", known.length === 0);
    if (known.length > 0)
      parts.push(`${line.label} ${format.bytes(known[0][1])} to ${format.bytes(known.at(-1)[1])}`);
  });
  setAttribute(refs.canvas, "aria-label",
    `Memory over the last ${label}: ${parts.join("; ") || "no data"}. A table is available.`);
}

/* The newest rows, thinned to a length that can be read; newest first. */
function updateSeriesTable(refs, points) {
  if (!refs.seriesHead.firstChild)
    refs.seriesHead.append(el("tr", {}, ...["Time", ...LINES.map((line) => line.label)]
      .map((name, index) => el("th", { scope: "col", class: index > 0 ? "number" : null }, name))));
  const rows = new Map();
  for (const line of LINES)
    for (const [at, value] of points.get(line.metric))
      rows.set(at, { ...rows.get(at), [line.metric]: value });
  const all = [...rows].sort(([a], [b]) => b - a);
  const stride = Math.max(1, Math.ceil(all.length / TABLE_ROWS));
  keyed(refs.seriesRows, all.filter((_, index) => index % stride === 0), ([at]) => at,
    ([at, values]) => el("tr", {}, el("th", { scope: "row" }, format.time(at)),
      ...LINES.map(({ metric }) =>
        el("td", { class: "number" }, format.bytes(values[metric] ?? undefined)))));
}

/* What a button brought is shown at once, before the next poll knows it. */
function updateReceipts(view, polled, process) {
  const { refs, id } = view;
  const known = new Set(polled.map((receipt) => receipt.id));
  const own = view.receipts.filter((receipt) => !known.has(receipt.id));
  const names = new Map(process ? [[id, displayName(process)]] : []);
  const receipts = [...own, ...polled.filter((receipt) => concerns(receipt, id))]
    .slice(0, LISTED_RECEIPTS);
  refs.receiptsEmpty.hidden = receipts.length > 0;
  keyed(refs.receipts, receipts, (receipt) => receipt.id,
    (receipt) => createReceipt(receipt, { full: true, names }), updateReceipt);
}
