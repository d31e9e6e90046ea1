/* SPDX-License-Identifier: MIT */
/*
 * Asks for the wanted resources once a second, all at once, never two rounds at a time. It stops
 * while the page is hidden and backs off while the daemon does not answer.
 */
import { NoAnswer, Problem, read } from "./api.js";
import * as state from "./state.js";

const ROUND_MS = 1000;
/* A round that took long still leaves the browser, and the daemon, a breath. */
const LEAST_PAUSE_MS = 250;
/* What the daemon refuses (a process that is gone) is asked for again, but not each second. */
const REFUSED_SECONDS = 5;
const BACK_OFF_MS = [1000, 2000, 4000, 8000, 15000];

export class Poller {
  #wanted = new Map();
  #timer = null;
  #running = false;
  #again = false;
  #failures = 0;
  #stopped = true;

  /* onRound runs after each round; onSignedOut when the daemon knows no session (any more). */
  constructor(target, { onRound, onSignedOut }) {
    this.state = target;
    this.onRound = onRound;
    this.onSignedOut = onSignedOut;
    document.addEventListener("visibilitychange", () => this.#onVisibility());
  }

  /*
   * path: text, or a function called each time. every: seconds between requests. The same want
   * twice keeps its tag; another path under the name starts afresh, and a late answer to the
   * former one is dropped.
   */
  want(name, path, every = 0) {
    const former = this.#wanted.get(name);
    if (former && former.path === path && former.every === every)
      return;
    this.#wanted.set(name, { path, every, pause: every, tag: null, last: -Infinity });
  }

  /* Forgets the resource and its answer. */
  drop(name) {
    this.#wanted.delete(name);
    this.state.answers.delete(name);
    this.state.problems.delete(name);
  }

  start() {
    this.#stopped = false;
    this.nudge();
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /* Now rather than in a second. */
  nudge() {
    if (this.#stopped || document.hidden)
      return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#round();
  }

  #onVisibility() {
    if (document.hidden)
      clearTimeout(this.#timer);
    else
      this.nudge();
  }

  async #round() {
    this.#running = true;
    const began = performance.now();
    const due = [...this.#wanted].filter(([, want]) => began - want.last >= want.pause * 1000);
    const results = await Promise.all(due.map(([name, want]) => this.#ask(name, want, began)));
    this.#running = false;
    if (this.#stopped)
      return;
    if (results.includes("signed out")) {
      this.stop();
      this.onSignedOut();
      return;
    }
    this.#schedule(results.includes("no answer"), performance.now() - began);
    state.takeTick(this.state);
    this.onRound();
  }

  async #ask(name, want, began) {
    const path = typeof want.path === "function" ? want.path() : want.path;
    let result;
    try {
      result = await read(path, path === want.asked ? want.tag : null);
    } catch (error) {
      return this.#failed(name, want, error, began);
    }
    if (this.#wanted.get(name) === want) {
      this.state.problems.delete(name);
      if (result.changed)
        state.takeAnswer(this.state, name, result.body, Date.now());
    }
    Object.assign(want, { tag: result.tag, asked: path, last: began, pause: want.every });
    return "answered";
  }

  #failed(name, want, error, began) {
    if (error instanceof NoAnswer)
      return "no answer";
    if (!(error instanceof Problem))
      throw error;
    if (error.status === 401)
      return "signed out";
    if (this.#wanted.get(name) === want)
      this.state.problems.set(name, error);
    Object.assign(want, { last: began, pause: Math.max(want.every, REFUSED_SECONDS) });
    return "answered";
  }

  #schedule(failed, elapsed) {
    let pause = Math.max(LEAST_PAUSE_MS, ROUND_MS - elapsed);
    if (failed) {
      pause = BACK_OFF_MS[Math.min(this.#failures++, BACK_OFF_MS.length - 1)];
      state.takeFailure(this.state, Date.now(), Date.now() + pause);
    } else {
      this.#failures = 0;
      state.takeSuccess(this.state);
    }
    if (this.#again && !failed)
      pause = 0;
    this.#again = false;
    if (!document.hidden)
      this.#timer = setTimeout(() => this.#round(), pause);
  }
}
