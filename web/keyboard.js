/* SPDX-License-Identifier: MIT */
/* Keys of the whole page. They do nothing while a field has the focus, Escape excepted. */
const isField = (node) => /^(INPUT|SELECT|TEXTAREA)$/.test(node?.tagName ?? "");

/* actions: {search, move(offset), back, help} */
export function listenToKeys(actions) {
  const keys = {
    "/": () => actions.search(),
    j: () => actions.move(1),
    k: () => actions.move(-1),
    "?": () => actions.help(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]"))
      return;
    if (event.key === "Escape") {
      leave(event.target, actions);
    } else if (!isField(event.target) && Object.hasOwn(keys, event.key)) {
      event.preventDefault();
      keys[event.key]();
    }
  });
}

/* Escape leaves the innermost thing first: the field, then the row, then the view. */
function leave(target, actions) {
  if (isField(target) || target.closest?.("tbody"))
    target.blur();
  else
    actions.back();
}
