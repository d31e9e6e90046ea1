/* SPDX-License-Identifier: MIT */
/*
 * Where the page begins: sign in, poll, and show the view that the address names. Data goes down
 * into the views by update(); wishes come up through the context.
 */
import { act, read } from "./api.js";
import { eventsView } from "./events.js";
import { groupsView } from "./groups.js";
import { listenToKeys } from "./keyboard.js";
import { markView, showSignedIn, updateMasthead, wireMasthead } from "./masthead.js";
import { overviewView } from "./overview.js";
import { Poller } from "./poll.js";
import { processView } from "./process.js";
import { receiptsView } from "./receipts.js";
import { formatRoute, parseRoute } from "./router.js";
import { rulesView } from "./rules.js";
import * as session from "./session.js";
import { createState } from "./state.js";

const VIEWS = {
  overview: overviewView,
  process: processView,
  receipts: receiptsView,
  events: eventsView,
  groups: groupsView,
  rules: rulesView,
};
/* Ages grow between two answers, and all the more when none comes. */
const CLOCK_MS = 500;

const main = document.getElementById("main");
const state = createState();
const poller = new Poller(state, { onRound: draw, onSignedOut: () => showSignIn(null) });
const context = {
  state,
  poller,
  async act(target, steps) {
    const receipt = await act(target, steps);
    poller.nudge();
    return receipt;
  },
  /* Changes the address without a new entry in the history: it is still the same view. */
  setParameters(parameters) {
    route = { ...route, parameters };
    history.replaceState(null, "", formatRoute(route));
    view.setParameters(parameters);
    draw();
  },
};

let route = null;
let view = null;

function mount(next, hasFocus) {
  view?.leave?.();
  view = next;
  main.replaceChildren(...view.nodes);
  document.title = `${view.title} · memtend`;
  if (view.focus)
    view.focus.focus();
  else if (hasFocus) {
    main.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

function showRoute() {
  const next = parseRoute(location.hash);
  const isSame = route?.view === next.view && route.id === next.id;
  const isFirst = route === null;
  route = next;
  markView(route.view);
  if (isSame && view.setParameters)
    view.setParameters(route.parameters);
  else
    mount(VIEWS[route.view](context, route), !isFirst);
  poller.nudge();
  draw();
}

/* Once a frame at most, however many answers came. */
let drawing = false;
function draw() {
  if (drawing)
    return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    if (route === null)
      return;
    const now = Date.now();
    updateMasthead(state, now);
    view.update(state, now);
  });
}

function drawClock() {
  if (route !== null && !document.hidden)
    updateMasthead(state, Date.now());
}

function showSignIn(problem) {
  poller.stop();
  route = null;
  markView(null);
  showSignedIn(false);
  mount(session.signInView(begin, problem), false);
}

function begin() {
  showSignedIn(true);
  poller.want("status", "/api/v1/status");
  poller.want("host", "/api/v1/host");
  showRoute();
  poller.start();
}

/* Without a token one question finds out whether the cookie of an earlier visit still holds. */
async function start() {
  const token = session.takeTokenFromAddress();
  try {
    await (token === null ? read("/api/v1/status") : session.signIn(token));
  } catch (error) {
    if (token !== null || error.status === 401) {
      showSignIn(token === null ? null : session.explain(error));
      return;
    }
  }
  begin();
}

async function signOut() {
  poller.stop(); /* a round in between would be refused */
  await session.signOut().catch(() => {});
  showSignIn(null);
}

addEventListener("hashchange", () => {
  if (location.hash.startsWith("#token="))
    start();
  else if (route !== null)
    showRoute();
});
wireMasthead({ poller, state, signOut });
listenToKeys({
  search: () => (view.focusSearch ? view.focusSearch() : goToSearch()),
  move: (offset) => view.moveRow?.(offset),
  back: () => route !== null && route.view !== "overview" && (location.hash = "#/"),
  help: () => document.getElementById("help-dialog").showModal(),
});
setInterval(drawClock, CLOCK_MS);
start();

function goToSearch() {
  if (route === null)
    return;
  location.hash = "#/";
  addEventListener("hashchange", () => view.focusSearch?.(), { once: true });
}
