/* SPDX-License-Identifier: MIT */
/*
 * The checks against the real thing: memtendd in user mode on temporary directories, a Python
 * program under `memtend run`, one without an agent, and names that try to break out.
 * MEMTEND_BIN: the folder of memtendd and memtend. MEMTEND_SCREENSHOT: see page.mjs.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { HERE, launch, needBrowser, run, skip, until } from "./browser.mjs";
import { checks } from "./checks.mjs";

const WORKLOADS = join(HERE, "../workloads");
const RULE = "cycles-above-budget";
/* Far above what the workload holds: the page arms it, nothing must fire. */
const RULES = `rule ${RULE} for each process where cmdline ~ "cycles\\.py":\n` +
  "  when rss > 64 GiB for 1h\n  then collect, trim\n";
const HOSTILE = [["<b>x</b>\u001b", "<b>x</b>\ufffd"], ["\u202egnp.exe", "\ufffdgnp.exe"]];
/* Takes the name it is given, then idles until its parent is gone. */
const RENAMED = "import os, sys, time\n" +
  "open('/proc/self/comm', 'wb').write(sys.argv[1].encode())\n" +
  "p = os.getppid()\nwhile os.getppid() == p: time.sleep(0.2)\n";

const bin = process.env.MEMTEND_BIN;
for (const name of ["memtendd", "memtend"])
  if (!bin || !existsSync(join(bin, name)))
    skip(`no ${name} in MEMTEND_BIN (${bin ?? "not set"})`);
needBrowser();

const home = mkdtempSync(join(tmpdir(), "memtend-web-"));
const [state, runtime] = [join(home, "state"), join(home, "run")];
const children = [];
let log = "";
let passed = false;
let browser = null;
try {
  const subject = await prepare();
  browser = subject.browser = await launch();
  passed = await run(checks(subject));
} catch (error) {
  console.log(`not ok - ${error.stack}`);
} finally {
  await browser?.close();
  for (const child of children.reverse())
    await stop(child);
  rmSync(home, { recursive: true, force: true });
}
if (!passed)
  console.log(`the daemon said:\n${log.slice(-4000)}`);
process.exit(passed ? 0 : 1);

function start(command, argumentList) {
  const child = spawn(command, argumentList, { stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, MEMTEND_RUNTIME_DIR: runtime } });
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (text) => { log += text; });
  child.ended = new Promise((resolve) => child.on("exit", resolve));
  children.push(child);
  return child;
}

async function stop(child) {
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 10000);
  await child.ended;
  clearTimeout(timer);
}

async function prepare() {
  const rules = join(home, "web.rules");
  const config = join(home, "memtend.conf");
  writeFileSync(rules, RULES);
  writeFileSync(config, "");
  const daemon = start(join(bin, "memtendd"), ["--state-dir", state, "--runtime-dir", runtime,
    "--http", "127.0.0.1:0", "--config", config, "--rules", rules]);
  const url = await until("the dashboard's address",
    () => /dashboard on (http:[^ ]+[0-9])\//.exec(log)?.[1]);
  await until("the daemon to be ready", () => isReady(url, daemon));
  const token = readFileSync(join(state, "token"), "utf8").trim();
  const ask = asker(url, token);
  const rich = start(join(bin, "memtend"),
    ["run", "--name", "web-check", "--", "python3", join(WORKLOADS, "cycles.py"), "120"]);
  const poor = start("python3", [join(WORKLOADS, "growing_dict.py"), "40"]);
  for (const [name] of HOSTILE)
    start("python3", ["-c", RENAMED, name]);
  const found = await until("the programs to be seen", async () => {
    const [a, b] = [await ask(rich.pid), await ask(poor.pid)];
    return a?.agent.state === "ready" && a.rss_bytes > 120 * 2 ** 20 && b ? [a, b] : null;
  });
  return { url, token, screenshot: process.env.MEMTEND_SCREENSHOT, rule: RULE,
    rich: { id: found[0].id, name: "web-check" }, poor: { id: found[1].id },
    hostile: HOSTILE.map(([, shown]) => shown) };
}

async function isReady(url, daemon) {
  if (daemon.exitCode !== null)
    throw new Error(`memtendd ended with ${daemon.exitCode}`);
  return fetch(`${url}/readyz`).then((answer) => answer.ok, () => false);
}

/* The process of a pid as the daemon sees it, null while it does not. */
function asker(url, token) {
  return async (pid) => {
    const answer = await fetch(`${url}/api/v1/processes/pid:${pid}`,
      { headers: { Authorization: `Bearer ${token}` } });
    return answer.ok ? answer.json() : null;
  };
}
