/* SPDX-License-Identifier: MIT */
/*
 * The few things the page does to the document. Text enters as text nodes only; a node is touched
 * only when its content changes, so focus, selection and hover survive every tick.
 */
import { LEVELS } from "./words.js";
import { clean } from "./format.js";

/* el("a", {class: "x", href: "#/"}, "text", node): attributes; on* are listeners. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (name.startsWith("on"))
      node.addEventListener(name.slice(2), value);
    else
      setAttribute(node, name, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}

export function setAttribute(node, name, value) {
  const absent = value === null || value === undefined || value === false;
  if (absent)
    node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value))
    node.setAttribute(name, value === true ? "" : value);
}

export function setText(node, text) {
  if (node.textContent !== text)
    node.textContent = text;
}

/* Shows the node with the text, or hides it when there is none. */
export function setNote(node, text) {
  node.hidden = !text;
  setText(node, text ?? "");
}

/* A copy of a template: its nodes, and by name those that carry data-ref. */
export function stamp(id) {
  const fragment = document.getElementById(id).content.cloneNode(true);
  const refs = {};
  for (const node of fragment.querySelectorAll("[data-ref]"))
    refs[node.dataset.ref] = node;
  return { nodes: [...fragment.children], refs };
}

/*
 * Makes the children of parent one node for each item, in order, keeping the node of an item that
 * stays. update(node, item) runs for all. A node knows its item's key only here.
 */
const keys = new WeakMap();
export function keyed(parent, items, keyOf, create, update) {
  const old = new Map([...parent.children].map((node) => [keys.get(node), node]));
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    const kept = old.get(key);
    const node = kept ?? create(item);
    old.delete(key);
    if (!kept)
      keys.set(node, key);
    update?.(node, item);
    if (node === place)
      place = place.nextElementSibling;
    else
      parent.insertBefore(node, place);
  }
  for (const node of old.values())
    node.remove();
  /* A node that moves loses the focus: a reader's place in a list must outlive its reordering. */
  if (focused !== document.activeElement)
    focused?.focus({ preventScroll: true });
}

/* A mark whose shape and colour say the same, with its word for those who see neither. */
export function mark(level) {
  const { mark: shape, says } = LEVELS[level] ?? LEVELS.unknown;
  return el("span", { class: "mark", "data-level": level },
    el("span", { "aria-hidden": "true" }, shape),
    el("span", { class: "hidden-text" }, `${says}: `));
}

/* Sets node to mark + text when either changed. */
export function setMarked(node, level, text) {
  if (node.dataset.level === level && node.dataset.text === text)
    return;
  node.dataset.level = level;
  node.dataset.text = text;
  node.replaceChildren(mark(level), text);
}

/* A definition list from [name, text, title]; only changed texts are touched. */
export function setFacts(list, facts) {
  keyed(list, facts, ([name]) => name,
    ([name]) => el("div", {}, el("dt", {}, name), el("dd", {})),
    (row, [, text, title]) => {
      setText(row.lastChild, text);
      setAttribute(row, "title", title);
    });
}

/* A name that a program chose, isolated so that its direction cannot reorder what follows. */
export function bdi(text, attributes = {}) {
  return el("bdi", attributes, clean(text));
}
