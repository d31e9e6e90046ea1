/* SPDX-License-Identifier: MIT */
/*
 * What every run in a browser needs: Debian's chromium under playwright-core, a watch on the
 * console and on every request, and small steps that wait for a condition with a deadline.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const HERE = dirname(fileURLToPath(import.meta.url));
const CHROMIUM = "/usr/bin/chromium";
/* No GPU, no sandbox (tests run as root in containers), and no request of the browser's own. */
const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];
/* For any one condition; the machine may be busy. */
const DEADLINE_MS = 60000;

export function skip(reason) {
  console.log(`SKIP: ${reason}`);
  process.exit(77);
}

/* Ends the test as skipped when something it stands on is absent. */
export function needBrowser() {
  if (!existsSync(CHROMIUM))
    skip(`${CHROMIUM} is not installed; run: ./dev deps test`);
  for (const folder of [HERE, join(HERE, "../../web")])
    if (!existsSync(join(folder, "node_modules")))
      skip(`${folder}/node_modules is absent; run: ./dev deps test`);
}

export async function launch() {
  const { chromium } = await import("playwright-core");
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args: ARGUMENTS });
}

/* Everything a page said or asked for that it should not have. */
export class Watch {
  constructor(page, url) {
    this.complaints = [];
    this.allowed = [];
    page.setDefaultTimeout(DEADLINE_MS);
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning")
        this.#complain(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(`uncaught: ${error.stack}`));
    page.on("dialog", (dialog) => {
      this.complaints.push(`dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(`${url}/`) && !/^(data|blob):/.test(request.url()))
        this.complaints.push(`foreign request: ${request.url()}`);
    });
  }

  /* The browser itself logs an answer with an error status; while steps run these are expected. */
  async expecting(pattern, steps) {
    this.allowed.push(pattern);
    await steps();
    this.allowed.splice(this.allowed.indexOf(pattern), 1);
  }

  #complain(text) {
    if (!this.allowed.some((pattern) => pattern.test(text)))
      this.complaints.push(`console: ${text}`);
  }

  check() {
    assert.deepEqual(this.complaints, []);
  }
}

/* Waits until probe() gives something true; fails with the last answer. */
export async function until(what, probe, milliseconds = DEADLINE_MS) {
  const end = Date.now() + milliseconds;
  let last;
  do {
    last = await probe();
    if (last)
      return last;
    await new Promise((resolve) => setTimeout(resolve, 50));
  } while (Date.now() < end);
  throw new assert.AssertionError({ message: `waited in vain for: ${what}; last: ${last}` });
}

/* Runs named steps in order, one line each; the first failure ends the test. */
export async function run(steps) {
  let failed = null;
  for (const [name, step] of steps) {
    try {
      await step();
      console.log(`ok - ${name}`);
    } catch (error) {
      console.log(`not ok - ${name}\n${error.stack}`);
      failed = error;
      break;
    }
  }
  return failed === null;
}
