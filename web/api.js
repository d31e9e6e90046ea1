/* SPDX-License-Identifier: MIT */
/*
 * Requests to the daemon that served the page, and nobody else. Two ways to fail: a Problem is an
 * answer that says no (RFC 9457), NoAnswer is no answer at all.
 */
/* A poll waits this long: the daemon answers from memory, so more means it is stuck. */
const POLL_TIMEOUT_MS = 5000;
/* An action or a reading waits up to 10 s; the rest is for the way. */
const ACTION_TIMEOUT_MS = 15000;

export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail || body?.title || `The daemon answered ${status}.`);
    this.name = "Problem";
    this.status = status;
    this.body = body ?? {};
  }
}

export class NoAnswer extends Error {
  constructor() {
    super("The daemon does not answer.");
    this.name = "NoAnswer";
  }
}

async function request(path, options, timeout) {
  const signal = AbortSignal.timeout(timeout);
  try {
    return await fetch(path, { cache: "no-store", redirect: "error", signal, ...options });
  } catch {
    throw new NoAnswer();
  }
}

async function readJson(response) {
  const type = response.headers.get("content-type") ?? "";
  if (!/\bjson\b/.test(type))
    return null;
  try {
    return await response.json();
  } catch {
    throw new NoAnswer();
  }
}

/* {changed: false} when the daemon still has what the tag names. */
export async function read(path, tag, timeout = POLL_TIMEOUT_MS) {
  const headers = tag ? { "If-None-Match": tag } : {};
  const response = await request(path, { headers }, timeout);
  if (response.status === 304)
    return { changed: false, tag };
  const body = await readJson(response);
  if (!response.ok)
    throw new Problem(response.status, body);
  return { changed: true, tag: response.headers.get("etag"), body };
}

/* What the daemon has to find out first. */
export function readSlowly(path) {
  return read(path, null, ACTION_TIMEOUT_MS);
}

/* A change. {status, location, body}; body is null when there is none. */
export async function send(method, path, body, headers = {}) {
  const response = await request(path, {
    method,
    headers: body === undefined ? headers : { "Content-Type": "application/json", ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  }, ACTION_TIMEOUT_MS);
  const answer = await readJson(response);
  if (!response.ok)
    throw new Problem(response.status, answer);
  return { status: response.status, location: response.headers.get("location"), body: answer };
}

/* Runs steps on a target and returns its receipt, finished or, after 10 s, still running. */
export async function act(target, steps) {
  const answer = await send("POST", "/api/v1/actions?wait=10s", { target, steps });
  if (answer.body?.id)
    return answer.body;
  return (await read(answer.location)).body;
}
