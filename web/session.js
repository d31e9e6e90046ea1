/* SPDX-License-Identifier: MIT */
/*
 * Signing in: the token of the link is swapped once for a cookie that scripts cannot read, and
 * leaves the address bar before anything else happens. The page never keeps it.
 */
import { NoAnswer, send } from "./api.js";
import { stamp, setNote } from "./dom.js";

/* The token of "#token=…", taken out of the address and the history; null when there is none. */
export function takeTokenFromAddress() {
  const match = /^#token=([^&]+)/.exec(location.hash);
  if (!match)
    return null;
  history.replaceState(null, "", `${location.pathname}#/`);
  try {
    return decodeURIComponent(match[1]);
  } catch {
    return match[1];
  }
}

export async function signIn(token) {
  /* A header holds visible ASCII only; the daemon's tokens are. */
  const headers = { Authorization: `Bearer ${token.replace(/[^\x21-\x7e]/g, "")}` };
  await send("POST", "/api/v1/session", undefined, headers);
}

export async function signOut() {
  await send("DELETE", "/api/v1/session");
}

export function explain(error) {
  if (error instanceof NoAnswer)
    return error.message;
  return error.status === 401 ? "That token is not the daemon's." : error.message;
}

/* onSignedIn runs once the cookie is set. problem: why an earlier try failed, or null. */
export function signInView(onSignedIn, problem) {
  const { nodes, refs } = stamp("sign-in");
  setNote(refs.problem, problem);
  refs.form.addEventListener("submit", async (event) => {
    event.preventDefault();
    setNote(refs.problem, null);
    try {
      await signIn(refs.token.value.trim());
      onSignedIn();
    } catch (error) {
      setNote(refs.problem, explain(error));
      refs.token.select();
    }
  });
  return { nodes, title: "Sign in", focus: refs.token };
}
