/* SPDX-License-Identifier: MIT */
/* The rules: the sentence, whether it acts, when it last fired; arming shows the text first. */
import { send } from "./api.js";
import { confirm } from "./confirm.js";
import { bdi, el, keyed, setFacts, setMarked, setNote, setText, stamp } from "./dom.js";
import * as format from "./format.js";
import { answer, daemonNow, items } from "./state.js";
import { RULE_STATES, wordFor } from "./words.js";

export function rulesView({ poller }) {
  const { nodes, refs } = stamp("rules");
  const view = { refs, poller };
  poller.want("rules", "/api/v1/rules");
  return {
    nodes,
    title: "Rules",
    update: (state, now) => update(view, state, now),
    leave: () => poller.drop("rules"),
  };
}

function update(view, state, now) {
  const { refs } = view;
  const problem = state.problems.get("rules")?.message ?? view.problem;
  setNote(refs.problem, problem);
  const rules = items(state, "rules");
  refs.empty.hidden = answer(state, "rules") === undefined || rules.length > 0;
  keyed(refs.list, rules, (rule) => `${rule.source}/${rule.name}/${rule.sha256}`,
    (rule) => createRule(rule, view),
    (node, rule) => updateRule(node, rule, daemonNow(state, now)));
}

function createRule(rule, view) {
  return el("article", { class: "panel rule" },
    el("header", { class: "section-head" },
      el("h2", {}, bdi(rule.name)),
      el("p", { class: "rule-state" }),
      el("div", { class: "tools" },
        el("button", { type: "button", onclick: () => toggle(view, node(rule)) }))),
    el("pre", { class: "rule-text", "aria-label": `Text of rule ${rule.name}` },
      format.cleanLines(rule.text)),
    el("dl", { class: "facts" }));

  function node({ source, name, sha256 }) {
    return items(view.poller.state, "rules").find((candidate) => candidate.source === source &&
      candidate.name === name && candidate.sha256 === sha256) ?? rule;
  }
}

function updateRule(card, rule, now) {
  const { label, level, says } = wordFor(RULE_STATES, rule.state);
  const state = card.querySelector(".rule-state");
  setMarked(state, level, label);
  state.title = says;
  const button = card.querySelector("button");
  button.hidden = rule.state === "shadowed";
  setText(button, rule.state === "armed" ? "Disarm" : "Arm");
  setFacts(card.querySelector(".facts"), [
    ["Source", rule.source === "api" ? "API" : format.clean(rule.source)],
    ["Last fired", rule.last_fired ? format.ago(rule.last_fired, now) : "never",
      rule.last_fired ? format.fullTime(rule.last_fired) : null],
    ["Fired", `${format.count(rule.fired_count)}\u00a0×`],
    ["SHA-256", rule.sha256 ? format.clean(rule.sha256).slice(0, 12) : format.UNKNOWN,
      rule.sha256 && format.clean(rule.sha256)],
  ]);
}

async function toggle(view, rule) {
  const arms = rule.state !== "armed";
  const answered = await confirm({
    title: `${arms ? "Arm" : "Disarm"} rule ${format.clean(rule.name)}?`,
    text: arms
      ? "From now on this rule acts on its own. The arming is bound to exactly this text; " +
        "an edit disarms."
      : "The rule goes back to dry-run: it only writes what it would have done.",
    quote: format.cleanLines(rule.text),
    yes: arms ? "Arm" : "Disarm",
  });
  if (!answered)
    return;
  const path = `/api/v1/rules/${encodeURIComponent(rule.name)}/${arms ? "arm" : "disarm"}`;
  try {
    /* What is armed must be what was read: another text in force is refused. */
    await send("POST", path, arms ? { sha256: rule.sha256 } : undefined);
    view.problem = null;
  } catch (error) {
    view.problem = error.message;
  }
  view.poller.nudge();
}
