/* SPDX-License-Identifier: MIT */
/*
 * Colours for canvases, read from the same custom properties the style sheets use, and the notice
 * when the reader's system turns light or dark.
 */
const dark = matchMedia("(prefers-color-scheme: dark)");
const colours = new Map();

dark.addEventListener("change", () => colours.clear());

export function themeColour(name) {
  if (!colours.has(name))
    colours.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return colours.get(name);
}

/* Returns the function that ends the notice. */
export function onThemeChange(callback) {
  dark.addEventListener("change", callback);
  return () => dark.removeEventListener("change", callback);
}
