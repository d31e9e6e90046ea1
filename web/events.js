/* SPDX-License-Identifier: MIT */
/* The timeline: anything that happened at an instant, newest first, by kind when asked. */
import { read } from "./api.js";
import { bdi, el, keyed, setNote, stamp } from "./dom.js";
import * as format from "./format.js";
import { formatRoute, isProcessId, processAddress } from "./router.js";
import { answer } from "./state.js";
import { EVENTS, wordFor } from "./words.js";

const PAGE = 100;
/* More than anyone reads; beyond it the command line is the better tool. */
const MOST_EVENTS = 1000;

export function eventsView({ poller, setParameters }, route) {
  const { nodes, refs } = stamp("events");
  const view = { refs, kind: route.parameters.kind, older: [], cursor: null };
  refs.kind.append(...Object.entries(EVENTS).map(([kind, { label }]) =>
    el("option", { value: kind }, label)));
  refs.kind.value = view.kind in EVENTS ? view.kind : "";
  refs.kind.addEventListener("change", () => setParameters({ kind: refs.kind.value }));
  refs.older.addEventListener("click", () => showOlder(view));
  const want = () => poller.want("list", pathOf(view.kind));
  want();
  return {
    nodes,
    title: "Events",
    update: (state) => update(view, state),
    setParameters({ kind }) {
      Object.assign(view, { kind, older: [], cursor: null });
      refs.kind.value = kind in EVENTS ? kind : "";
      poller.drop("list");
      want();
      poller.nudge();
    },
    leave: () => poller.drop("list"),
  };
}

function pathOf(kind, cursor) {
  const query = new URLSearchParams({ limit: PAGE });
  if (kind in EVENTS)
    query.set("kind", kind);
  if (cursor)
    query.set("cursor", cursor);
  return `/api/v1/events?${query}`;
}

function update(view, state) {
  const { refs } = view;
  const body = answer(state, "list");
  setNote(refs.problem, state.problems.get("list")?.message);
  if (!body)
    return;
  view.newest = body.items;
  if (view.older.length === 0)
    view.cursor = body.next_cursor;
  show(view);
}

/* What was fetched on request stays; the polled page may overlap it as it moves on. */
function show({ refs, newest, older, cursor }) {
  const known = new Set(older.map((event) => event.id));
  const events = [...newest.filter((event) => !known.has(event.id)), ...older]
    .sort((a, b) => Date.parse(b.time) - Date.parse(a.time));
  refs.empty.hidden = events.length > 0;
  refs.older.hidden = !cursor || events.length >= MOST_EVENTS;
  keyed(refs.list, events, (event) => event.id, (event) => eventRow(event));
}

async function showOlder(view) {
  view.refs.older.disabled = true;
  try {
    const { body } = await read(pathOf(view.kind, view.cursor));
    view.older = [...(view.older.length > 0 ? view.older : view.newest), ...body.items];
    view.cursor = body.next_cursor;
    show(view);
  } catch (error) {
    setNote(view.refs.problem, error.message);
  } finally {
    view.refs.older.disabled = false;
  }
}

export function eventRow(event, { showTarget = true } = {}) {
  const { label, says } = wordFor(EVENTS, event.kind);
  return el("li", { "data-kind": format.clean(event.kind) },
    el("time", { datetime: event.time, title: format.fullTime(event.time) },
      format.time(event.time)),
    el("span", { class: "event-kind", title: says }, label),
    el("span", { class: "event-text" }, bdi(event.text || says), " ",
      showTarget && event.target ? targetOf(event) : null, receiptOf(event)));
}

function targetOf({ target }) {
  return isProcessId(target) ? el("a", { href: processAddress(target) }, target)
    : bdi(target, { class: "faint" });
}

function receiptOf({ receipt }) {
  if (!receipt)
    return null;
  const href = formatRoute({ view: "receipts", parameters: { id: receipt } });
  return el("span", {}, " ", el("a", { href }, "show receipt"));
}
