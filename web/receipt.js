/* SPDX-License-Identifier: MIT */
/*
 * One receipt as a card: what came back, RSS before and after on one scale, what it cost, who
 * asked; on request the table of its steps. A card is made once and updated in place.
 */
import { el, bdi, mark, setAttribute, setText } from "./dom.js";
import * as format from "./format.js";
import { isProcessId, processAddress } from "./router.js";
import { BASES, OUTCOMES, wordFor } from "./words.js";

export function receiptOutcome(receipt) {
  return wordFor(OUTCOMES, receipt.outcome ?? "running");
}

/* "freed 221 MiB"; a receipt that freed nothing leads with its outcome. */
export function headline(receipt) {
  const { label } = receiptOutcome(receipt);
  if (receipt.outcome === "freed")
    return `${label} ${format.bytes(receipt.freed_bytes)}`;
  const taken = receipt.freed_bytes < 0 ? `, took ${format.bytes(-receipt.freed_bytes)}` : "";
  return `${label}${taken}`;
}

export function stepNames(receipt) {
  return (receipt.steps ?? []).map((step) => step.step).join(", ") || "no step";
}

function sum(values) {
  const known = values.filter(format.isKnown);
  return known.length > 0 ? known.reduce((a, b) => a + b, 0) : undefined;
}

export function pauseOf(receipt) {
  return sum((receipt.steps ?? []).map((step) => step.pause_seconds));
}

/* What does not change while a receipt exists is made here; the rest by updateReceipt(). */
export function createReceipt(receipt, { full = false, names = new Map() } = {}) {
  const card = el("article", { class: full ? "card card-full" : "card" },
    el("header", { class: "card-head" },
      el("p", { class: "card-outcome" }),
      el("p", { class: "card-what" }, el("span", { class: "card-steps" }),
        " · ", targetLink(receipt, names))),
    el("div", { class: "bars" }, bar("before"), bar("after")),
    el("p", { class: "card-facts" }),
    el("p", { class: "card-note" }),
    full ? stepTable(receipt) : null);
  card.setAttribute("aria-label", `Receipt ${format.clean(receipt.id)}`);
  updateReceipt(card, receipt);
  return card;
}

function targetLink(receipt, names) {
  const target = format.clean(receipt.target);
  const name = names.get(receipt.target) ?? receipt.comm;
  const text = name ? `${format.clean(name)} (${target.split("-")[0]})` : target;
  return isProcessId(receipt.target)
    ? el("a", { href: processAddress(receipt.target) }, bdi(text)) : bdi(text);
}

function bar(when) {
  return el("div", { class: `bar bar-${when}` },
    el("span", { class: "bar-name" }, when === "before" ? "RSS before" : "after"),
    el("span", { class: "bar-track" }, el("span", { class: "bar-fill" })),
    el("span", { class: "bar-value" }));
}

function stepTable({ id }) {
  const names = ["Step", "Outcome", "RSS", "PSS", "USS", "Pause", "Objects", "Note"];
  return el("div", { class: "scroll", tabindex: "0", role: "region",
    "aria-label": `Steps of receipt ${format.clean(id)}` },
    el("table", { class: "grid steps" },
      el("thead", {}, el("tr", {}, ...names.map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {})));
}

export function updateReceipt(card, receipt) {
  const print = JSON.stringify(receipt);
  if (card.dataset.print === print)
    return;
  card.dataset.print = print;
  const outcome = receiptOutcome(receipt);
  const head = card.querySelector(".card-outcome");
  head.replaceChildren(mark(outcome.level), headline(receipt));
  setAttribute(head, "title", outcome.says);
  setAttribute(card, "data-level", outcome.level);
  setText(card.querySelector(".card-steps"), stepNames(receipt));
  updateBars(card, receipt);
  setText(card.querySelector(".card-facts"), factsOf(receipt).join(" · "));
  const notes = notesOf(receipt);
  const note = card.querySelector(".card-note");
  setText(note, notes.join(" "));
  note.hidden = notes.length === 0;
  updateSteps(card.querySelector("tbody"), receipt);
}

function updateBars(card, { rss_before_bytes: before, rss_after_bytes: after }) {
  const top = Math.max(before ?? 0, after ?? 0, 1);
  for (const [when, value] of [["before", before], ["after", after]]) {
    const row = card.querySelector(`.bar-${when}`);
    row.querySelector(".bar-fill").style.width = `${100 * (value ?? 0) / top}%`;
    setText(row.querySelector(".bar-value"), format.bytes(value));
  }
}

function factsOf(receipt) {
  const facts = [];
  if (receipt.outcome !== undefined && receipt.basis)
    facts.push(`measured by ${BASES[receipt.basis] ?? format.clean(receipt.basis)}`);
  if (pauseOf(receipt) !== undefined)
    facts.push(`pause ${format.duration(pauseOf(receipt))}`);
  const [low, high] = receipt.predicted_bytes ?? [];
  if (high > 0)
    facts.push(`predicted ${format.bytes(low)} to ${format.bytes(high)}`);
  if (receipt.moved_to_swap_bytes > 0)
    facts.push(`${format.bytes(receipt.moved_to_swap_bytes)} moved to swap`);
  facts.push(`asked by ${askedBy(receipt)}`);
  if (receipt.time)
    facts.push(format.time(receipt.time));
  return facts;
}

function askedBy({ rule, asked_by: asker }) {
  return rule ? `rule ${format.clean(rule)}` : format.clean(asker || format.UNKNOWN);
}

function notesOf(receipt) {
  const notes = new Set([receipt.note, ...(receipt.steps ?? []).map((step) => step.note)]
    .filter(Boolean).map((note) => sentence(format.clean(note))));
  if (receipt.outcome !== undefined && receipt.durable === false)
    notes.add("Not on disk: the store was degraded.");
  return [...notes];
}

const sentence = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);

function updateSteps(body, { steps = [], outcome }) {
  const unfinished = outcome === undefined ? "running" : "not_reached";
  body?.replaceChildren(...steps.map((step) => el("tr", {},
    el("th", { scope: "row" }, format.clean(step.step)),
    el("td", {}, wordFor(OUTCOMES, step.outcome ?? unfinished).label),
    ...["rss", "pss", "uss"].map((name) => el("td", { class: "number" }, beforeAfter(step, name))),
    el("td", { class: "number" }, format.duration(step.pause_seconds)),
    el("td", { class: "number" }, format.count(step.objects)),
    el("td", {}, format.clean(step.note ?? "")))));
}

function beforeAfter(step, name) {
  const before = format.bytes(step[`${name}_before_bytes`]);
  const after = format.bytes(step[`${name}_after_bytes`]);
  return before === format.UNKNOWN && after === format.UNKNOWN
    ? format.UNKNOWN : `${before} → ${after}`;
}
