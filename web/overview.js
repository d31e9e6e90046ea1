/* SPDX-License-Identifier: MIT */
/*
 * The first screen: four questions answered without a click, then the process table. It wants the
 * biggest processes for the answers and, when the table asks for something else, that as well.
 */
import * as advice from "./advice.js";
import { read } from "./api.js";
import {
  bdi, el, keyed, setAttribute, setFacts, setMarked, setNote, setText, stamp,
} from "./dom.js";
import * as format from "./format.js";
import { createReceipt, updateReceipt } from "./receipt.js";
import { processAddress } from "./router.js";
import { HISTORY_LENGTH, answer, daemonNow, forgetHistory, freshness, items } from "./state.js";
import * as table from "./table.js";
import { themeColour } from "./theme.js";
import { AGENT_COMMAND, STEPS, STEPS_OF } from "./words.js";

/* As many as a screen shows beside the questions. */
const CARDS = 2;
const BIGGEST = 6;
const BIGGEST_PATH = "/api/v1/processes?sort=rss&limit=100";
/* Lines that begin with the recorded past: as many rows as a tall screen shows. */
const PAST_LINES = 24;
/* More targets than this the daemon does not take in one question. */
const SERIES_TARGETS = 8;
/* Typing is one request for each pause, not for each key. */
const SEARCH_DELAY_MS = 150;

export function overviewView(context, route) {
  const { nodes, refs } = stamp("overview");
  const view = { nodes, refs, title: "Overview", parameters: route.parameters, context };
  context.poller.want("actions", "/api/v1/actions?limit=20");
  context.poller.want("biggest", BIGGEST_PATH);
  wireTable(view);
  wantTable(view);
  return {
    nodes,
    title: view.title,
    update: (state, now) => update(view, state, now),
    setParameters(parameters) {
      view.parameters = parameters;
      showParameters(view);
      wantTable(view);
    },
    focusSearch: () => refs.search.focus(),
    moveRow: (offset) => table.moveFocus(refs.rows, offset),
    leave() {
      clearTimeout(view.typing);
      context.poller.drop("table");
      context.poller.drop("biggest");
      forgetHistory(context.state);
    },
  };
}

/* The table's own question, or null when the list of the biggest answers it. */
function tablePath({ q, sort, limit }) {
  const known = table.SORTS.includes(sort) ? sort : "rss";
  const path = `/api/v1/processes?sort=${known}&limit=${encodeURIComponent(limit)}` +
    (q ? `&q=${encodeURIComponent(q)}` : "");
  return path === BIGGEST_PATH ? null : path;
}

function wantTable(view) {
  const path = tablePath(view.parameters);
  if (path)
    view.context.poller.want("table", path);
  else
    view.context.poller.drop("table");
  view.context.poller.nudge();
}

/*
 * The lines beside the biggest processes begin with what the daemon has recorded. Asked once; a
 * refusal changes nothing, the lines then grow from now on.
 */
async function fetchPast(view, state, biggest, now) {
  view.hasPast = true;
  const to = daemonNow(state, now);
  const from = to - HISTORY_LENGTH * 1000;
  const range = `&from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}`;
  const ids = biggest.slice(0, PAST_LINES).map((process) => process.id);
  for (let i = 0; i < ids.length; i += SERIES_TARGETS) {
    const targets = ids.slice(i, i + SERIES_TARGETS).join(",");
    const path = `/api/v1/series?target=${targets}&metric=rss&points=${HISTORY_LENGTH}${range}`;
    const { body } = await read(path).catch(() => ({}));
    for (const { target, points } of body?.series ?? [])
      state.history.prepend(target, points.map(([, value]) => value));
  }
}

function wireTable(view) {
  const { refs, context } = view;
  const change = (parameters) => context.setParameters({ ...view.parameters, ...parameters });
  table.buildHead(refs.head, (sort) => change({ sort }));
  refs.search.addEventListener("input", () => {
    clearTimeout(view.typing);
    view.typing = setTimeout(() => change({ q: refs.search.value.trim() }), SEARCH_DELAY_MS);
  });
  refs.limit.addEventListener("change", () => change({ limit: refs.limit.value }));
  refs.agent.addEventListener("change", () => change({ agent: refs.agent.checked ? "1" : "" }));
  refs.tools.addEventListener("submit", (event) => event.preventDefault());
  refs.rows.addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (row && !event.target.closest("a") && String(getSelection()) === "")
      location.hash = processAddress(row.dataset.id);
  });
  showParameters(view);
}

function showParameters({ refs, parameters }) {
  if (document.activeElement !== refs.search)
    refs.search.value = parameters.q;
  refs.limit.value = parameters.limit;
  refs.agent.checked = parameters.agent === "1";
}

function update(view, state, now) {
  const host = answer(state, "host");
  const biggest = items(state, "biggest");
  updateDanger(view.refs, host, biggest);
  updateStep(view, host, biggest, items(state, "actions"), state.answers.has("biggest"));
  updateTrust(view.refs, answer(state, "status"), freshness(state, now));
  updateDid(view.refs, state, biggest);
  updateTable(view, state, biggest);
  if (!view.hasPast && biggest.length > 0 && answer(state, "status"))
    fetchPast(view, state, biggest, now);
}

function updateDanger(refs, host, biggest) {
  const { level, text } = advice.danger(host);
  setMarked(refs.danger, level, text);
  updateMeter(refs, host);
  setFacts(refs.hostFacts, hostFacts(host ?? {}));
  const largest = biggest[0]?.rss_bytes ?? 1;
  keyed(refs.biggest, biggest.slice(0, BIGGEST), (process) => process.id,
    (process) => el("li", {},
      el("a", { href: processAddress(process.id) }, bdi(table.displayName(process))),
      el("span", { class: "bar-track" }, el("span", { class: "bar-fill" })),
      el("span", { class: "bar-value" })),
    (row, process) => {
      row.querySelector(".bar-fill").style.width = `${100 * (process.rss_bytes ?? 0) / largest}%`;
      setText(row.lastChild, format.bytes(process.rss_bytes));
    });
}

/* In use | page cache that can be dropped | free: the three parts of the machine's memory. */
function updateMeter(refs, host) {
  const total = host?.mem_total_bytes;
  if (!format.isKnown(total) || !format.isKnown(host.mem_available_bytes))
    return;
  const free = host.mem_free_bytes ?? 0;
  const used = total - host.mem_available_bytes;
  const droppable = Math.max(0, host.mem_available_bytes - free);
  refs.meterUsed.style.width = `${100 * used / total}%`;
  refs.meterCache.style.width = `${100 * droppable / total}%`;
  const legend = `${format.bytes(used)} in use · ${format.bytes(droppable)} cache that the ` +
    `kernel can drop · ${format.bytes(total - used - droppable)} free`;
  setText(refs.meterLegend, legend);
  setAttribute(refs.meter, "aria-label", `Memory of this host: ${legend}`);
}

function hostFacts(host) {
  const { swap_total_bytes: swap, swap_free_bytes: swapFree } = host;
  const swapName = swap > 0 ? `Swap of ${format.bytes(swap)}` : "Swap";
  return [
    ["PSI some", format.percent(host.psi_some_avg10_percent),
      "some avg10: share of the last 10 s in which some task waited for memory"],
    ["PSI full", format.percent(host.psi_full_avg10_percent),
      "full avg10: share of the last 10 s in which all tasks waited for memory"],
    [swapName, swap === 0 ? "none" : format.bytes(swap - swapFree), "swap in use"],
    ["OOM kills", format.count(host.oom_kills), "since boot"],
  ];
}

/* The panel is rebuilt only when the advice changes, so that its button can be clicked. */
function updateStep(view, host, biggest, receipts, known) {
  const step = known ? advice.fittingStep(host, biggest, receipts)
    : { kind: "unknown", text: "No process has been read yet." };
  const key = JSON.stringify([step.kind, step.process?.id, step.action, step.text]);
  if (view.stepKey === key || view.acting)
    return;
  view.stepKey = key;
  const parts = { step: offerStep, cannot: cannotHelp, nothing: nothingToDo, unknown: nothingToDo };
  view.refs.step.replaceChildren(...parts[step.kind](step, view).filter(Boolean));
}

function processLink(process) {
  return el("a", { href: processAddress(process.id) },
    bdi(`${table.displayName(process)} (${process.pid})`));
}

function offerStep({ process, action, text }, view) {
  const steps = STEPS_OF[action].join(", then ");
  const problem = el("p", { class: "problem", role: "alert", hidden: true });
  const button = el("button", { type: "button", class: "primary",
    onclick: () => takeStep(view, process, action, button, problem) }, steps);
  return [
    el("p", { class: "verdict" }, el("strong", {}, steps), " ", processLink(process)),
    el("p", {}, text),
    el("div", { class: "buttons" }, button),
    el("p", { class: "hint" }, `It cannot ${STEPS[action].cannot}`),
    problem,
  ];
}

async function takeStep(view, process, action, button, problem) {
  view.acting = button.disabled = true;
  setNote(problem, null);
  try {
    await view.context.act(process.id, STEPS_OF[action]);
    view.stepKey = null;
  } catch (error) {
    setNote(problem, error.message);
  } finally {
    view.acting = button.disabled = false;
  }
}

function commandLine() {
  return el("p", { class: "hint" }, "Start it with ", el("code", {}, AGENT_COMMAND),
    " and memtend can collect and trim.");
}

function cannotHelp({ process, text, command }) {
  return [
    el("p", { class: "verdict" }, el("strong", {}, "cannot help")),
    el("p", {}, processLink(process), " ", text),
    command ? commandLine() : null,
  ];
}

function nothingToDo({ kind, text, command }) {
  return [
    el("p", { class: "verdict" }, el("strong", {}, kind === "nothing" ? "nothing to do" : "…")),
    el("p", {}, text),
    command ? commandLine() : null,
  ];
}

function updateTrust(refs, status, fresh) {
  const lines = advice.trust(status, fresh);
  if (status?.paused)
    lines.push({ name: "Paused", level: "watch", text: "no rule acts" });
  for (const missing of status?.missing ?? [])
    lines.push({ name: "Missing", level: "watch", text: format.clean(missing) });
  keyed(refs.trust, lines, (line) => line.name + (line.name === "Missing" ? line.text : ""),
    (line) => el("div", {}, el("dt", {}, line.name), el("dd", {})),
    (row, line) => setMarked(row.lastChild, line.level, line.text));
}

function updateDid(refs, state, biggest) {
  const receipts = items(state, "actions").slice(0, CARDS);
  const names = new Map(biggest.map((process) => [process.id, table.displayName(process)]));
  refs.didEmpty.hidden = answer(state, "actions") === undefined || receipts.length > 0;
  keyed(refs.did, receipts, (receipt) => receipt.id,
    (receipt) => createReceipt(receipt, { names }), updateReceipt);
}

function updateTable(view, state, biggest) {
  const { refs, parameters } = view;
  const own = tablePath(parameters) !== null;
  const problem = own ? state.problems.get("table") : state.problems.get("biggest");
  setNote(refs.tableProblem, problem?.message);
  const list = own ? answer(state, "table")?.items : biggest;
  if (list === undefined)
    return;
  const shown = list.filter((process) =>
    parameters.agent !== "1" || table.agentState(process) !== "none");
  table.markSort(refs.head, parameters.sort, shown);
  table.updateRows(refs.rows, shown, {
    history: state.history, largest: biggest[0]?.rss_bytes ?? 0, colour: themeColour("--accent") });
  setText(refs.tableNote, tableNote(shown, list, answer(state, "status"), parameters));
  setNote(refs.tableEmpty, shown.length > 0 || !state.answers.has("biggest") ? null
    : "No process matches.");
  refs.table.hidden = shown.length === 0;
}

/* Says what the list leaves out, agents first: they are what memtend can act on. */
function tableNote(shown, list, status, { q }) {
  const total = status?.processes;
  const parts = [`${format.count(shown.length)} shown` +
    (format.isKnown(total) && !q ? ` of ${format.count(total)}` : "")];
  const agents = list.filter((process) => table.agentState(process) !== "none").length;
  if (!q && format.isKnown(status?.agents) && agents < status.agents)
    parts.push(`${format.count(status.agents - agents)} with an agent not in this list`);
  return parts.join(", ");
}
