/* SPDX-License-Identifier: MIT */
/*
 * What the page must do, whoever serves it: [name, step] in the order in which they run. subject:
 *   {url, token, browser, screenshot,
 *    rich: {id, name}       a Python process with an agent, of which a free gives much back
 *    poor: {id}             a process without an agent
 *    hostile: [text, …]     parts of hostile names, as they must be readable
 *    rule: name or null     a rule that may be armed and disarmed}
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { Watch, until } from "./browser.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"];
const VIEWS = ["#/", "#/groups", "#/receipts", "#/events", "#/rules"];
const PHONE = { width: 375, height: 812 };
const DESK = { width: 1440, height: 960 };
const ROW = ".process-table tbody tr";
const FAILED_LOAD = (status) => new RegExp(`status of ${status}\\b`);

async function open(subject, options = {}) {
  const context = await subject.browser.newContext({ viewport: DESK, ...options });
  const page = await context.newPage();
  const watch = new Watch(page, subject.url);
  await page.goto(`${subject.url}/#token=${subject.token}`);
  await page.waitForSelector(ROW);
  return { page, watch, context };
}

async function go(page, address) {
  await page.evaluate((hash) => { location.hash = hash; }, address);
  await page.waitForSelector("main > *");
}

const texts = (page, selector) => page.locator(selector).allTextContents();
const columnOf = (page, name) => texts(page, `${ROW} .c-${name}`);

/* "1.47 GiB" back to a number, for comparing rows; unknown is less than all. */
function toBytes(text) {
  const [, number, unit] = /^([\d.,]+)\s(\w+)$/u.exec(text.replace("\u00a0", " ")) ?? [];
  const power = ["B", "KiB", "MiB", "GiB"].indexOf(unit);
  return number ? Number(number.replace(",", "")) * 1024 ** power : -1;
}

async function axe(page, what) {
  await page.evaluate(AXE);
  const violations = await page.evaluate(async (values) => {
    const result = await globalThis.axe.run(document, { runOnly: { type: "tag", values } });
    return result.violations.map(({ id, nodes }) =>
      `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
  }, AXE_RULES);
  assert.deepEqual(violations, [], what);
}

const processAddress = ({ rich }) => `#/p/${rich.id}`;
const addressesOf = (subject) =>
  [...VIEWS, processAddress(subject), `${processAddress(subject)}?show=table`];

const SIGN_IN = [
  ["the HTML names no other host and holds no inline script or style", async ({ subject }) => {
    const html = await (await fetch(`${subject.url}/`)).text();
    assert.doesNotMatch(html, /https?:\/\//);
    assert.doesNotMatch(html, /<script>|<style|\sstyle=|\son\w+=/);
  }],

  ["without a session a sign-in says where the link comes from", async ({ subject }) => {
    const visitor = await (await subject.browser.newContext()).newPage();
    const eye = new Watch(visitor, subject.url);
    await eye.expecting(FAILED_LOAD(401), async () => {
      await visitor.goto(`${subject.url}/`);
      await visitor.getByText("memtend open prints a link").waitFor();
      await axe(visitor, "sign-in");
      await visitor.fill("#token", "wrong");
      await visitor.getByRole("button", { name: "Sign in" }).click();
      await visitor.locator("[role=alert]", { hasText: "That token is not the daemon's." })
        .waitFor();
    });
    await visitor.fill("#token", subject.token);
    await visitor.getByRole("button", { name: "Sign in" }).click();
    await visitor.waitForSelector(ROW);
    await visitor.getByRole("button", { name: "Sign out" }).click();
    await visitor.getByText("memtend open prints a link").waitFor();
    eye.check();
    await visitor.context().close();
  }],

  ["the link signs in and the token leaves the address", async (shared) => {
    Object.assign(shared, await open(shared.subject));
    const { subject, page, context } = shared;
    assert.doesNotMatch(page.url(), /token/);
    const [cookie] = await context.cookies();
    assert.equal(cookie.httpOnly, true);
    assert.equal(cookie.sameSite, "Strict");
    assert.notEqual(cookie.value, subject.token);
    await page.reload();
    await page.waitForSelector(ROW);
  }],
];

const OVERVIEW = [
  ["the first screen answers its questions", async ({ page }) => {
    for (const question of ["Is anything about to die?", "The one fitting step",
      "What memtend did, and whether it helped", "May I believe this page?"])
      await page.getByRole("heading", { name: question }).waitFor();
    await page.getByText(/GiB (available)|of .* available/).first().waitFor();
    await page.locator(".trust dd", { hasText: "ready of" }).waitFor();
  }],

  ["it is live: ticks count on and ages stay small", async ({ page }) => {
    const ticks = async () => {
      const text = await page.textContent("#colophon");
      return Number(/([\d,.]+) ticks/.exec(text)?.[1].replace(/\D/g, ""));
    };
    const first = await until("ticks", ticks);
    await until("two more ticks", async () => await ticks() >= first + 2);
    assert.match(await page.textContent("#freshness"), /data (under 2|[2-4])\s+?s old/u);
  }],

  ["search shows matches only and is in the address", async ({ subject, page }) => {
    await page.keyboard.press("/");
    await page.keyboard.type(subject.rich.name);
    await until("only matches", async () =>
      (await columnOf(page, "name")).every((name) => name === subject.rich.name) &&
      (await page.locator(ROW).count()) >= 1);
    await until("the address", () => page.url().endsWith(`q=${subject.rich.name}`));
    await page.fill("[type=search]", "no-such-process");
    await page.getByText("No process matches.").waitFor();
    await page.fill("[type=search]", "");
    await until("all rows again", async () => (await page.locator(ROW).count()) > 3);
    await page.keyboard.press("Escape");
  }],

  ["a column sorts and says so", async ({ page }) => {
    for (const column of ["uss", "cpu", "pid", "name", "rss"]) {
      await page.locator(`thead .c-${column} button`).click();
      await page.waitForSelector(`thead .c-${column}[aria-sort]`);
      if (column !== "name")
        await until(`rows by ${column}`, async () =>
          isSorted(column, await columnOf(page, column)));
    }
    assert.equal(await page.locator(".processes .problem").isVisible(), false);
  }],

  ["the focus stays on its row when the order changes", async ({ subject, page }) => {
    const focused = () => page.evaluate(() =>
      document.activeElement.closest("tr")?.dataset.id ?? null);
    /* All of them: in another order the row must not fall off the end of the list. */
    await go(page, "#/?limit=500");
    await page.locator(`tr[data-id="${subject.rich.id}"] .row-link`).focus();
    /* A click that does not itself take the focus. */
    await page.evaluate(() =>
      document.querySelector(".c-pid button").dispatchEvent(new MouseEvent("click")));
    await page.waitForSelector(".c-pid[aria-sort]");
    await until("the new order", async () => isSorted("pid", await columnOf(page, "pid")));
    assert.equal(await focused(), subject.rich.id);
    await page.locator("thead .c-rss button").click();
    await page.waitForSelector(".c-rss[aria-sort]");
  }],

  ["j, k and Enter open a row, Escape leads back", async ({ page }) => {
    await page.evaluate(() => document.activeElement.blur());
    for (const key of ["j", "j", "k"])
      await page.keyboard.press(key);
    const id = await page.evaluate(() => document.activeElement.closest("tr").dataset.id);
    await page.keyboard.press("Enter");
    await until("the process page", () => page.url().endsWith(`#/p/${id}`));
    await page.waitForSelector(".process-head");
    await page.keyboard.press("Escape");
    await page.waitForSelector(ROW);
    await page.keyboard.press("?");
    await page.getByRole("heading", { name: "Keys" }).waitFor();
    await page.getByRole("button", { name: "Close" }).click();
  }],

  ["names that programs chose are text and cannot steer the page", async ({ subject, page }) => {
    const shown = async () => (await texts(page, "main")).join("\n");
    for (const text of subject.hostile) {
      await go(page, `#/?q=${encodeURIComponent(text)}`);
      await until(`the text ${text}`, async () => (await page.locator(ROW).count()) >= 1 &&
        (await shown()).includes(text));
      await page.locator(`${ROW} .row-link`).first().click();
      await page.waitForSelector(".process-head h1");
      await until("its own page", async () => (await shown()).includes(text));
      assert.doesNotMatch(await shown(), /[\u0000-\u0008\u001b\u202a-\u202e\u2066-\u2069]/);
    }
    assert.equal(await page.locator("main img, main script, main b:not(.tip b)").count(), 0);
    await go(page, "#/");
  }],
];

const PROCESS = [
  ["the process page draws the history, and shows it as a table", async ({ subject, page }) => {
    await go(page, processAddress(subject));
    await until("a described chart", async () =>
      /RSS .* to /.test(await page.getAttribute(".chart-frame canvas", "aria-label") ?? ""));
    assert.ok(await page.evaluate(isDrawn), "the canvas is blank");
    await page.getByRole("button", { name: "1 h", exact: true }).click();
    await until("the address", () => /range=1h/.test(page.url()));
    await page.getByRole("button", { name: "Show as table" }).click();
    await until("rows", async () => (await page.locator(".chart-panel tbody tr").count()) >= 2);
    await until("the address", () => /range=1h&show=table/.test(page.url()));
    await page.getByRole("button", { name: "Show as table" }).click();
    await page.getByRole("button", { name: "5 min" }).click();
  }],

  ["the ledger is a bar and a table, with the verdict above", async ({ page }) => {
    const rows = page.locator(".ledger-table tbody tr");
    await until("layers", async () => (await rows.count()) >= 2);
    await until("a described bar", async () => /^Memory by layer: .*MiB/.test(
      await page.getAttribute(".ledger-frame canvas", "aria-label") ?? ""));
    const shares = await texts(page, ".ledger-table tbody td:nth-child(3)");
    const sum = shares.reduce((total, text) => total + Number(/[\d.]+/.exec(text)[0]), 0);
    assert.ok(Math.abs(sum - 100) <= shares.length, `layers are ${sum} % of RSS`);
    assert.match(await page.textContent(".ledger .verdict"), /\w+ .*\./);
    assert.match((await texts(page, ".figures dt")).join(), /Limit,Headroom/);
    await page.getByRole("button", { name: "Read again" }).focus();
    await page.keyboard.press("Enter");
    await until("it is read", async () =>
      page.getByRole("button", { name: "Read again" }).isEnabled());
    assert.equal(await page.locator(".ledger .problem").isVisible(), false);
  }],

  ["each step says before the click what it does and what it cannot", async ({ page }) => {
    for (const [action, cannot] of [["collect", "Cannot: free live data"],
      ["trim", "still holds one live block"], ["free", "Cannot: free live data"]]) {
      const button = page.locator(`[data-action=${action}]`);
      await button.hover();
      const tip = page.locator(`#${await button.getAttribute("aria-describedby")}`);
      await until("the tip", () => tip.isVisible());
      assert.ok((await tip.textContent()).includes(cannot));
    }
  }],

  ["collect and trim bring a receipt that shows what came back", async ({ page }) => {
    const receipts = page.locator(".cards.full .card");
    for (const action of ["collect", "free"]) {
      const before = await receipts.count();
      await page.locator(`[data-action=${action}]`).click();
      await until("a receipt", async () => await receipts.count() > before || before >= 10);
      await until("its end", async () => !/running/.test(await receipts.first().textContent()));
    }
    const rows = await receipts.first().locator("tbody tr").allTextContents();
    assert.match(rows[0], /^collect/);
    assert.match(rows[1], /^trim/);
    const outcomes = await receipts.locator(".card-outcome").allTextContents();
    assert.match(outcomes.slice(0, 2).join(), /freed [\d.]+/);
    assert.match(await receipts.first().textContent(), /measured by .*asked by/);
  }],

  ["without an agent the refusal names the command to try", async ({ subject, page, watch }) => {
    await go(page, `#/p/${subject.poor.id}`);
    await watch.expecting(FAILED_LOAD(409), async () => {
      await page.locator("[data-action=collect]").click();
      await page.locator("main .problem", { hasText: "memtend run" }).waitFor();
    });
  }],
];

const GROUPS = [
  ["groups are listed, sorted, and opened with the keyboard", async ({ page }) => {
    await go(page, "#/groups");
    await page.locator(".group-table tbody tr, main .empty:visible").first().waitFor();
    if (await page.locator(".group-table tbody tr").count() === 0)
      return; /* a machine where nothing shares a budget */
    await page.locator(".group-table thead button", { hasText: "Members" }).click();
    await until("the address", () => /sort=members/.test(page.url()));
    await page.waitForSelector(".group-table [aria-sort=descending]");
    const members = async () => (await texts(page, ".group-table tbody td:nth-child(3)"))
      .map((text) => Number(text.replace(/\D/g, "")));
    await until("their order", async () => (await members())
      .every((value, index, all) => index === 0 || all[index - 1] >= value));
    const link = page.locator(".group-table .row-link").first();
    const name = await link.textContent();
    await link.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: `Members of ${name}` }).waitFor();
    await until("its members", async () =>
      (await page.locator(".member-table tbody tr").count()) >= 1);
    await axe(page, "the members of a group");
    await page.locator(".member-table a").first().click();
    await page.waitForSelector(".process-head");
  }],
];

const CHANGES = [
  ["receipts and events list what was done", async ({ subject, page }) => {
    await go(page, "#/receipts");
    await page.locator(".card", { hasText: subject.rich.id.split("-")[0] }).first().waitFor();
    await go(page, "#/events");
    await page.selectOption("main select", "receipt");
    await until("receipts only", async () => {
      const kinds = await texts(page, ".timeline .event-kind");
      return kinds.length > 0 && kinds.every((kind) => kind === "receipt");
    });
    await until("the address", () => /kind=receipt/.test(page.url()));
    await page.getByRole("link", { name: "show receipt" }).first().click();
    await page.waitForSelector(".card[aria-current]");
  }],

  ["a rule is armed only after its text was shown", async ({ subject, page }) => {
    await go(page, "#/rules");
    if (subject.rule === null)
      return;
    const card = page.locator(".rule", { hasText: subject.rule }).first();
    await card.getByRole("button", { name: "Arm", exact: true }).click();
    await page.locator("#confirm-quote", { hasText: `rule ${subject.rule}` }).waitFor();
    await axe(page, "the dialog");
    await page.locator("#confirm-yes").click();
    await card.getByRole("button", { name: "Disarm" }).click();
    await page.locator("#confirm-yes").click();
    await card.locator(".rule-state", { hasText: "dry-run" }).waitFor();
  }],

  ["pausing is said on every view until it is resumed", async ({ page }) => {
    await page.getByRole("button", { name: "Pause rules" }).click();
    await page.locator("#confirm-yes").click();
    await page.locator(".notice", { hasText: "no rule acts" }).waitFor();
    await page.getByRole("button", { name: "Resume rules" }).click();
    await page.locator("#confirm-yes").click();
    await page.locator(".notice").waitFor({ state: "detached" });
  }],

  ["nothing was said on the console, nobody else was asked", ({ watch, context }) => {
    watch.check();
    return context.close();
  }],
];

const LOOKS = [
  ...["light", "dark"].map((colorScheme) => [`${colorScheme}, accessible`, async ({ subject }) => {
    const look = await open(subject, { colorScheme });
    const ground = await look.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const brightness = Number(/\d+/.exec(ground)[0]);
    assert.equal(brightness > 128, colorScheme === "light", `${colorScheme} has ground ${ground}`);
    for (const address of addressesOf(subject)) {
      await go(look.page, address);
      await until("content", async () => (await look.page.textContent("main")).length > 40);
      await axe(look.page, `${colorScheme} ${address}`);
    }
    look.watch.check();
    await look.context.close();
  }]),

  ["375 px wide: one column, nothing to scroll sideways", async ({ subject }) => {
    const look = await open(subject, { viewport: PHONE, hasTouch: true });
    for (const address of addressesOf(subject)) {
      await go(look.page, address);
      await until("content", async () => (await look.page.textContent("main")).length > 40);
      const width = await look.page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= PHONE.width, `${address} is ${width} px wide`);
    }
    await go(look.page, processAddress(subject));
    assert.ok(await look.page.locator("#tip-collect").isVisible(), "tips stand open by touch");
    look.watch.check();
    await look.context.close();
  }],

  ["the screenshot is taken", async ({ subject }) => {
    if (!subject.screenshot)
      return;
    const look = await open(subject, { viewport: { width: 1440, height: 900 } });
    await look.page.waitForSelector(".did .card");
    await until("lines beside the rows", () => look.page.evaluate(isDrawn));
    await look.page.screenshot({ path: subject.screenshot });
    await look.context.close();
  }],
];

/* The steps share one signed-in page. */
export function checks(subject) {
  const shared = { subject };
  return [...SIGN_IN, ...OVERVIEW, ...PROCESS, ...GROUPS, ...CHANGES, ...LOOKS]
    .map(([name, step]) => [name, () => step(shared)]);
}

/* Numbers come largest first, unknown last. */
function isSorted(column, cells) {
  const toNumber = (text) => (/^\d/.test(text) ? Number.parseFloat(text.replace(",", "")) : -1);
  const values = cells.map(["cpu", "pid"].includes(column) ? toNumber : toBytes);
  return values.length > 1 && values.every((each, i) => i === 0 || values[i - 1] >= each);
}

/* Runs in the page: does the first canvas in sight hold more than one colour? */
function isDrawn() {
  const canvas = document.querySelector("main canvas:not(.swatch)");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value) => value !== 0);
}
