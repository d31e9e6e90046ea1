/* SPDX-License-Identifier: MIT */
/*
 * The live process table: one row for each process, updated in place, with a hand-drawn line of
 * its last two minutes. The daemon searches and sorts; the rows keep its order.
 */
import { bdi, el, keyed, mark, setAttribute, setText } from "./dom.js";
import * as format from "./format.js";
import { processAddress } from "./router.js";
import { drawSpark } from "./spark.js";
import { HISTORY_LENGTH } from "./state.js";
import { AGENTS, wordFor } from "./words.js";

export function displayName(process) {
  return process.name || process.comm || `pid ${process.pid}`;
}

export function agentState(process) {
  return process.agent?.state ?? "none";
}

/* Seconds since a value was read; 0 for one of this tick. */
export function ageOf(process, metric) {
  if (!format.isKnown(process[`${metric}_bytes`]))
    return undefined;
  return process[`${metric}_age_seconds`] ?? process[`${metric}_bytes_age_seconds`] ?? 0;
}

const number = (column) => ({ number: true, ...column });

/* sort: the word of ?sort=, absent when the daemon does not sort by it. */
const COLUMNS = [
  { key: "name", label: "Process", sort: "comm", value: (p) => p.comm, node: nameNode },
  number({ key: "pid", label: "PID", sort: "pid", value: (p) => p.pid,
    show: (p) => String(p.pid) }),
  number({ key: "rss", label: "RSS", sort: "rss", help: "resident set size",
    value: (p) => p.rss_bytes, show: (p) => format.bytes(p.rss_bytes) }),
  { key: "trend", label: "2 min", help: "RSS over the last two minutes, each on its own scale" },
  number({ key: "pss", label: "PSS", sort: "pss", help: "shared pages divided by their sharers",
    value: (p) => p.pss_bytes, show: (p) => format.bytes(p.pss_bytes) }),
  number({ key: "uss", label: "USS", sort: "uss", help: "pages that no other process maps",
    value: (p) => p.uss_bytes, show: (p) => format.bytes(p.uss_bytes) }),
  number({ key: "age", label: "Age", help: "how old PSS and USS are",
    show: (p) => format.span(ageOf(p, "pss")) }),
  number({ key: "cpu", label: "CPU", sort: "cpu", help: "percent of one core over 5 s",
    value: (p) => p.cpu_percent, show: (p) => format.percent(p.cpu_percent) }),
  { key: "agent", label: "Agent", help: "the in-process agent", node: agentNode },
  { key: "unit", label: "Unit", help: "systemd unit",
    show: (p) => format.clean(p.unit || format.UNKNOWN) },
  { key: "cmdline", label: "Command line", help: "redacted: secret-looking values are replaced",
    show: (p) => format.clean(p.cmdline || format.UNKNOWN) },
];

export const SORTS = COLUMNS.filter((column) => column.sort).map((column) => column.sort);

export function buildHead(row, onSort) {
  row.replaceChildren(...COLUMNS.map((column) => {
    const content = column.sort
      ? el("button", { type: "button", onclick: () => onSort(column.sort) }, column.label)
      : column.label;
    return el("th", { scope: "col", class: classOf(column), title: column.help }, content);
  }));
}

/* Which way a column is sorted is seen from the rows: the daemon decides it. */
export function markSort(row, sort, processes) {
  COLUMNS.forEach((column, index) => setAttribute(row.children[index], "aria-sort",
    column.sort && column.sort === sort ? orderOf(column, processes) : null));
}

function orderOf(column, processes) {
  const known = processes.map(column.value).filter((value) => (value ?? null) !== null);
  return known.length > 1 && known[0] < known.at(-1) ? "ascending" : "descending";
}

const classOf = (column) => `c-${column.key}${column.number ? " number" : ""}`;

function nameNode(process) {
  return el("a", { href: processAddress(process.id), class: "row-link" },
    bdi(displayName(process)));
}

function agentNode(process) {
  const { label, level } = wordFor(AGENTS, agentState(process));
  return level === "none" ? el("span", { class: "faint" }, label)
    : el("span", {}, mark(level), label);
}

function createRow(process) {
  return el("tr", { "data-id": process.id }, ...COLUMNS.map((column) =>
    el(column.key === "name" ? "th" : "td",
      { class: classOf(column), scope: column.key === "name" ? "row" : null },
      column.key === "trend" ? el("canvas", { "aria-hidden": "true" }) : "")));
}

/* A cell that is more than text is made anew only when the words it is made of change. */
function updateCell(cell, column, process) {
  if (column.show) {
    setText(cell, column.show(process));
  } else if (column.node) {
    const node = column.node(process);
    if (cell.textContent !== node.textContent || !cell.firstChild)
      cell.replaceChildren(node);
  }
}

/* largest: RSS that fills the bar behind the RSS column. */
export function updateRows(body, processes, { history, largest, colour }) {
  keyed(body, processes, (process) => process.id, createRow, (row, process) => {
    setAttribute(row, "data-agent", agentState(process) === "none" ? null : agentState(process));
    COLUMNS.forEach((column, index) => updateCell(row.children[index], column, process));
    const share = ((process.rss_bytes ?? 0) / Math.max(largest, 1)).toFixed(2);
    row.querySelector(".c-rss").style.setProperty("--part", share);
    setAttribute(row.querySelector(".c-cmdline"), "title", format.clean(process.cmdline ?? ""));
    drawSpark(row.querySelector("canvas"), history.of(process.id), HISTORY_LENGTH, colour);
  });
}

/* Moves the focus by rows; from outside the table the first or the last row is taken. */
export function moveFocus(body, offset) {
  const links = [...body.querySelectorAll(".row-link")];
  if (links.length === 0)
    return;
  const current = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
  const start = current === -1 ? (offset > 0 ? -1 : links.length) : current;
  links[Math.min(links.length - 1, Math.max(0, start + offset))].focus();
}
