/* SPDX-License-Identifier: MIT */
/*
 * Groups: processes that share a budget, each shared page counted once, with who came and went; and
 * the members of the one that the address names, with the limit that binds each.
 */
import { bdi, el, keyed, setAttribute, setNote, setText, stamp } from "./dom.js";
import * as format from "./format.js";
import { formatRoute, processAddress } from "./router.js";
import { answer, items } from "./state.js";
import { displayName } from "./table.js";

/* Counted every 5 s. */
const EVERY_SECONDS = 5;
const MEMBERS = 100;

const bytes = (key) => (group) => format.bytes(group[key]);
const count = (key) => (group) => format.count(group[key]);

/* sort: the word of ?sort=. */
const COLUMNS = [
  { label: "Group", sort: "name" },
  { label: "Kind", show: (group) => format.clean(group.kind) },
  { label: "Members", sort: "members", show: count("members") },
  { label: "RSS", sort: "rss", show: bytes("rss_bytes"), help: "shared pages count for each" },
  { label: "PSS", sort: "pss", show: (group) => pssText(group), help: "shared pages count once" },
  { label: "Peak RSS", sort: "peak_rss", show: bytes("peak_rss_bytes") },
  { label: "Came", sort: "came", show: count("came"), help: "members since memtend began" },
  { label: "Went", sort: "went", show: count("went"), help: "members that have ended" },
];
const SORTS = COLUMNS.map(({ sort }) => sort).filter(Boolean);
const MEMBER_KEYS = ["rss_bytes", "pss_bytes", "limit_bytes", "headroom_bytes"];

/* A sum over fewer than all is less than the truth, and says so. */
export function pssText(group) {
  const some = format.isKnown(group.pss_bytes) && group.pss_members < group.members;
  return format.bytes(group.pss_bytes) + (some ? "+" : "");
}

export function groupAddress(name, parameters = {}) {
  return formatRoute({ view: "groups", parameters: { ...parameters, name } });
}

export function groupsView(context, route) {
  const { nodes, refs } = stamp("groups");
  const view = { refs, context, parameters: route.parameters };
  buildHead(view);
  want(view);
  return {
    nodes,
    title: "Groups",
    update: (state) => update(view, state),
    setParameters(parameters) {
      view.parameters = parameters;
      want(view);
      context.poller.nudge();
    },
    leave() {
      for (const name of ["groups", "group"])
        context.poller.drop(name);
    },
  };
}

function want({ context: { poller }, parameters: { sort, name } }) {
  const known = SORTS.includes(sort) ? sort : "pss";
  poller.want("groups", `/api/v1/groups?sort=${known}&limit=200`, EVERY_SECONDS);
  if (name)
    poller.want("group", `/api/v1/groups/${encodeURIComponent(name)}?limit=${MEMBERS}`,
      EVERY_SECONDS);
  else
    poller.drop("group");
}

function buildHead(view) {
  const change = (sort) => view.context.setParameters({ ...view.parameters, sort });
  view.refs.head.replaceChildren(...COLUMNS.map(({ label, sort, help, show }, index) =>
    el("th", { scope: "col", class: index > 1 ? "number" : null, title: help },
      sort ? el("button", { type: "button", onclick: () => change(sort) }, label) : label)));
}

function update({ refs, parameters }, state) {
  const groups = items(state, "groups");
  const isKnown = answer(state, "groups") !== undefined;
  setNote(refs.problem, state.problems.get("groups")?.message);
  refs.empty.hidden = !isKnown || groups.length > 0;
  refs.table.hidden = groups.length === 0;
  COLUMNS.forEach(({ sort }, index) => setAttribute(refs.head.children[index], "aria-sort",
    sort && sort === parameters.sort ? (sort === "name" ? "ascending" : "descending") : null));
  keyed(refs.rows, groups, (group) => group.name,
    () => el("tr", {}, ...COLUMNS.map((column, index) => (index === 0
      ? el("th", { scope: "row" }, el("a", { class: "row-link" }))
      : el("td", { class: index > 1 ? "number" : null })))),
    (row, group) => updateRow(row, group, parameters));
  updateMembers(refs, parameters.name, answer(state, "group"), state.problems.get("group"));
}

function updateRow(row, group, parameters) {
  const link = row.firstChild.firstChild;
  setAttribute(row, "aria-current", group.name === parameters.name ? "true" : null);
  setAttribute(link, "href", groupAddress(group.name, parameters));
  setText(link, format.clean(group.name));
  COLUMNS.forEach(({ show }, index) => show && setText(row.children[index], show(group)));
}

function updateMembers(refs, name, group, problem) {
  refs.members.hidden = !name;
  setNote(refs.membersProblem, problem?.message);
  if (!name || !group)
    return;
  setText(refs.membersTitle, `Members of ${format.clean(group.name)}`);
  keyed(refs.memberRows, group.processes ?? [], (process) => process.id,
    (process) => el("tr", {},
      el("th", { scope: "row" },
        el("a", { href: processAddress(process.id) }, bdi(displayName(process)))),
      ...["", ...MEMBER_KEYS].map(() => el("td", { class: "number" }))),
    (row, process) => {
      setText(row.children[1], String(process.pid));
      MEMBER_KEYS.forEach((key, index) =>
        setText(row.children[index + 2], format.bytes(process[key])));
    });
}
