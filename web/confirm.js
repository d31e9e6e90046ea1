/* SPDX-License-Identifier: MIT */
/* The one dialog that asks before something is changed. */
import { el, setText } from "./dom.js";

const byId = (id) => document.getElementById(id);

/*
 * quote: text shown as it is; choice: {name, options: [[value, label], …]}. Resolves to false, or
 * to true, or to the value chosen.
 */
export function confirm({ title, text, quote, yes, choice }) {
  const dialog = byId("confirm-dialog");
  setText(byId("confirm-title"), title);
  setText(byId("confirm-text"), text);
  setText(byId("confirm-quote"), quote ?? "");
  byId("confirm-quote").hidden = !quote;
  setText(byId("confirm-yes"), yes);
  byId("confirm-choice-label").hidden = !choice;
  setText(byId("confirm-choice-name"), choice?.name ?? "");
  byId("confirm-choice").replaceChildren(...(choice?.options ?? []).map(([value, label]) =>
    el("option", { value }, label)));
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => {
    const agreed = dialog.returnValue === "yes";
    resolve(agreed && choice ? byId("confirm-choice").value : agreed);
  }, { once: true }));
}
