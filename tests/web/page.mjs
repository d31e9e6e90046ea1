/* SPDX-License-Identifier: MIT */
/*
 * The checks against the mock, and then what only a mock can show: an outage and a hidden page.
 * With MEMTEND_URL and MEMTEND_TOKEN the checks run against that daemon instead; MEMTEND_RICH
 * (ID=NAME) names the process with an agent, MEMTEND_POOR (ID) the one without.
 * MEMTEND_SCREENSHOT: where the picture of the first screen goes.
 */
import assert from "node:assert/strict";

import { Watch, launch, needBrowser, run, skip, until } from "./browser.mjs";
import { checks } from "./checks.mjs";
import { startMock } from "./mock.mjs";

needBrowser();
const { MEMTEND_URL, MEMTEND_TOKEN, MEMTEND_RICH, MEMTEND_POOR, MEMTEND_SCREENSHOT } = process.env;

const mock = MEMTEND_URL ? null : await startMock();
const browser = await launch();
let passed = false;
try {
  const subject = { browser, screenshot: MEMTEND_SCREENSHOT, ...(mock ? ofMock() : ofDaemon()) };
  passed = await run([...checks(subject), ...(mock ? onlyWithMock() : [])]);
} finally {
  await browser.close();
  await mock?.close();
}
process.exit(passed ? 0 : 1);

function ofMock() {
  const byPid = (pid) => mock.world.processes.find((process) => process.pid === pid).id;
  return { url: mock.url, token: mock.token, rich: { id: byPid(5333), name: "thumbnails" },
    poor: { id: byPid(3307) }, rule: "arena-slack",
    hostile: ["<img src=x onerror=alert(1)>", "[31mred", "exe.tac"] };
}

function ofDaemon() {
  if (!MEMTEND_TOKEN || !MEMTEND_RICH || !MEMTEND_POOR)
    skip("MEMTEND_URL needs MEMTEND_TOKEN, MEMTEND_RICH and MEMTEND_POOR beside it");
  const [id, name] = MEMTEND_RICH.split("=");
  return { url: MEMTEND_URL, token: MEMTEND_TOKEN, rich: { id, name }, poor: { id: MEMTEND_POOR },
    hostile: [], rule: null };
}

function onlyWithMock() {
  return [
    ["an outage is said with its time, data grows old, and it ends", async () => {
      const page = await (await browser.newContext()).newPage();
      const watch = new Watch(page, mock.url);
      await page.goto(`${mock.url}/#token=${mock.token}`);
      await page.waitForSelector(".process-table tbody tr");
      await watch.expecting(/net::ERR_/, async () => {
        mock.silent = true;
        const said = /No answer from the daemon since \d\d:\d\d:\d\d/;
        await page.locator(".notice", { hasText: said }).waitFor();
        await until("the age to grow", async () =>
          /data [3-9]\s+?s old/u.test(await page.textContent("#freshness")));
        mock.silent = false;
        await page.locator(".notice").waitFor({ state: "detached" });
      });
      watch.check();
      await page.context().close();
    }],

    ["a hidden page asks nothing, a shown one at once", async () => {
      const page = await (await browser.newContext()).newPage();
      await page.goto(`${mock.url}/#token=${mock.token}`);
      await page.waitForSelector(".process-table tbody tr");
      let requests = 0;
      const hide = (hidden) => page.evaluate((value) => {
        Object.defineProperty(document, "hidden", { value, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
      await hide(true);
      await page.waitForLoadState("networkidle");
      page.on("request", () => requests++);
      const ticks = mock.world.ticks;
      await until("three ticks of the machine", () => mock.world.ticks >= ticks + 3);
      assert.equal(requests, 0);
      await hide(false);
      await until("a request", () => requests > 0);
      await page.context().close();
    }],
  ];
}
