/* SPDX-License-Identifier: MIT */
/*
 * The address of every view: "#/", "#/p/PID-START?range=1h", "#/events?kind=receipt", ... Pure text
 * to route and back, so a link copied at 3 a.m. shows the same thing to a colleague.
 */
const VIEWS = {
  "": { view: "overview", defaults: { q: "", sort: "rss", limit: "100", agent: "" } },
  receipts: { view: "receipts", defaults: { id: "" } },
  events: { view: "events", defaults: { kind: "" } },
  groups: { view: "groups", defaults: { sort: "pss", name: "" } },
  rules: { view: "rules", defaults: {} },
  p: { view: "process", defaults: { range: "5m", show: "chart" }, hasId: true },
};
const PROCESS_ID = /^[1-9][0-9]{0,9}-[0-9]{1,20}$/;

export function isProcessId(text) {
  return PROCESS_ID.test(text ?? "");
}

/* An address that names no view leads to the overview. */
export function parseRoute(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [head, id, ...rest] = path.split("/");
  const entry = VIEWS[head];
  if (!entry || rest.length > 0 || Boolean(entry.hasId) !== isProcessId(id))
    return parseRoute("#/");
  const parameters = { ...entry.defaults };
  for (const [name, value] of new URLSearchParams(query))
    if (name in entry.defaults)
      parameters[name] = value;
  return { view: entry.view, id: entry.hasId ? id : null, parameters };
}

/* Parameters at their default are left out. */
export function formatRoute({ view, id, parameters }) {
  const [head, entry] = Object.entries(VIEWS).find(([, candidate]) => candidate.view === view);
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters ?? {}))
    if (value !== entry.defaults[name] && name in entry.defaults)
      query.set(name, value);
  const path = entry.hasId ? `#/${head}/${id}` : `#/${head}`;
  return query.size > 0 || String(query) ? `${path}?${query}` : path;
}

export function processAddress(id) {
  return formatRoute({ view: "process", id });
}
