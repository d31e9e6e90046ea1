/* SPDX-License-Identifier: MIT */
/*
 * What stands above every view: how old the data is, whether the daemon answers, whether memtend
 * is paused, and the buttons to change that.
 */
import { danger } from "./advice.js";
import { send } from "./api.js";
import { confirm } from "./confirm.js";
import { el, keyed, setMarked, setText } from "./dom.js";
import * as format from "./format.js";
import { showIcon } from "./icon.js";
import { answer, freshness } from "./state.js";

const byId = (id) => document.getElementById(id);

const PAUSES = [["600", "10 minutes"], ["3600", "1 hour"], ["28800", "8 hours"],
  ["", "until resumed"]];

export function wireMasthead({ poller, state, signOut }) {
  byId("pause").addEventListener("click", () => changePause(poller, state));
  byId("help").addEventListener("click", () => byId("help-dialog").showModal());
  byId("sign-out").addEventListener("click", signOut);
  byId("skip").addEventListener("click", () => byId("main").focus());
}

async function changePause(poller, state) {
  const paused = answer(state, "status")?.paused;
  const agreed = await (paused ? askResume() : askPause());
  if (agreed === false)
    return;
  const body = paused || agreed === "" ? undefined : { for_seconds: Number(agreed) };
  try {
    await send("POST", `/api/v1/${paused ? "resume" : "pause"}`, body);
    state.pauseProblem = null;
  } catch (error) {
    state.pauseProblem = error.message;
  }
  poller.nudge();
}

function askPause() {
  return confirm({
    title: "Pause the rules?",
    text: "No rule acts while memtend is paused; a ladder in flight stops before its next step. " +
      "Watching and recording go on.",
    yes: "Pause",
    choice: { name: "Pause for", options: PAUSES },
  });
}

function askResume() {
  return confirm({ title: "Resume the rules?", text: "Armed rules act again.", yes: "Resume" });
}

export function showSignedIn(signedIn) {
  for (const id of ["masthead-end", "views", "footer"])
    byId(id).hidden = !signedIn;
  if (!signedIn)
    byId("notices").replaceChildren();
}

export function markView(view) {
  for (const link of byId("views").children)
    if (link.dataset.view === view)
      link.setAttribute("aria-current", "page");
    else
      link.removeAttribute("aria-current");
}

export function updateMasthead(state, now) {
  const status = answer(state, "status");
  const fresh = freshness(state, now);
  const age = fresh.age === null ? "no data yet" : `data ${format.age(fresh.age)} old`;
  setMarked(byId("freshness"), fresh.level, age);
  setText(byId("pause"), status?.paused ? "Resume rules" : "Pause rules");
  updateNotices(noticesOf(state, status, fresh, now));
  setText(byId("colophon"), colophon(status));
  showIcon(iconLevel(state, status, fresh));
}

function noticesOf(state, status, fresh, now) {
  const notices = [];
  if (state.failingSince !== null)
    notices.push({ key: "outage", level: "bad",
      text: `No answer from the daemon since ${format.time(state.failingSince, now)}. What is ` +
        "shown is old; asking again until it answers." });
  else if (fresh.level === "watch")
    notices.push({ key: "old", level: "watch",
      text: "The daemon answers, but its last tick is old. What is shown may be out of date." });
  if (status?.paused)
    notices.push({ key: "paused", level: "watch", text: pauseText(status) });
  if (state.pauseProblem)
    notices.push({ key: "problem", level: "bad", text: state.pauseProblem });
  return notices;
}

function pauseText({ paused_until: until, pause_reason: reason }) {
  const end = until ? ` until ${format.time(until)}` : "";
  const why = reason ? ` (${format.clean(reason)})` : "";
  return `Paused${end}${why}: no rule acts.`;
}

/* The region announces a change, so a notice is touched only when its words change. */
function updateNotices(notices) {
  keyed(byId("notices"), notices, ({ key }) => key,
    () => el("p", { class: "notice" }),
    (node, { level, text }) => setMarked(node, level, text));
}

function colophon(status) {
  if (!status)
    return "";
  const parts = [`memtend ${format.clean(status.version)}`,
    `up ${format.span(status.uptime_seconds)}`, `${format.count(status.ticks)} ticks`];
  if (format.isKnown(status.rules))
    parts.push(`${format.count(status.rules)} rules, ${format.count(status.rules_armed)} armed`);
  if (status.user)
    parts.push(`runs as ${format.clean(status.user)}`);
  if (status.roles_separated === false)
    parts.push("roles are not separated");
  return parts.join(" · ");
}

function iconLevel(state, status, fresh) {
  if (fresh.level === "bad" || danger(answer(state, "host")).level === "bad")
    return "bad";
  return status?.paused || fresh.level === "watch" ? "watch" : "ok";
}
