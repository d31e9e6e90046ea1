# SPDX-License-Identifier: MIT
"""A real daemon on temporary directories, real workloads, and what the tests ask of them.

Environment: MEMTEND_BUILD = build directory (build/release). Everything runs on loopback, every
process that is started is stopped by its own handle, every wait has a deadline.
"""
import contextlib
import datetime
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

BUILD = pathlib.Path(os.environ.get("MEMTEND_BUILD", "build/release")).resolve()
ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKLOADS = ROOT / "tests" / "workloads"
MIB = 1 << 20


# Ten looks where a service makes one, and rules that begin soon: tests wait for both all the time.
FAST = "[Daemon]\nTick=100ms\n[Actions]\nGrace=500ms\n"


class Skipped(Exception):
    """A test that this machine cannot run; the text says why."""


def skip(reason):
    raise Skipped(reason)


def wait_for(what, probe, seconds=60, every=0.05):
    """The first true answer of probe(); fails with the last answer when the deadline passes."""
    deadline = time.monotonic() + seconds
    answer = None
    while time.monotonic() < deadline:
        answer = probe()
        if answer:
            return answer
        time.sleep(every)
    raise AssertionError(f"waited {seconds} s for: {what}; last answer: {answer!r}")


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=35):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Daemon:
    """memtendd in user mode: with Daemon(rules=TEXT) as daemon: ...

    config is the text of its file; without one it is FAST, and with "" what a service has."""

    def __init__(self, rules=None, config=None, arguments=(), home=None):
        self.home = pathlib.Path(home or tempfile.mkdtemp(prefix="memtend-"))
        self.keep_home = home is not None
        self.state, self.runtime = self.home / "state", self.home / "run"
        self.config_dir = self.home / "config"
        self.config_dir.mkdir(exist_ok=True)
        self.log = self.home / "log"
        self.command = [str(BUILD / "bin" / "memtendd"), "--state-dir", str(self.state),
                        "--runtime-dir", str(self.runtime), "--http", "127.0.0.1:0"]
        (self.config_dir / "memtend.conf").write_text(FAST if config is None else config,
                                                     encoding="utf-8")
        self.command += ["--config", str(self.config_dir / "memtend.conf")]
        if rules:
            (self.home / "test.rules").write_text(rules, encoding="utf-8")
            self.command += ["--rules", str(self.home / "test.rules")]
        self.command += arguments
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stderr=log, stdout=log,
                                            stdin=subprocess.DEVNULL)
        wait_for(f"the daemon to be ready\n{self.log.read_text()}", self.ready, 60)
        return self

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"memtendd ended with {self.process.returncode}:\n"
                                 + self.log.read_text(encoding="utf-8"))
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.ask("GET", "/readyz")[0] == 200
        return False

    def ask(self, method, path, body=None, headers=None):
        """(status, parsed answer) over http.sock."""
        connection = UnixConnection(self.runtime / "http.sock")
        with contextlib.closing(connection):
            data = None if body is None else json.dumps(body)
            send = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, path, data, {**send, **(headers or {})})
            answer = connection.getresponse()
            text = answer.read()
            kind = answer.headers.get("Content-Type", "")
            return answer.status, json.loads(text) if "json" in kind and text else text

    def get(self, path):
        status, answer = self.ask("GET", path)
        assert status == 200, (path, status, answer)
        return answer

    def process_of(self, pid):
        status, answer = self.ask("GET", f"/api/v1/processes/pid:{pid}")
        return answer if status == 200 else None

    def wait_agent(self, pid, seconds=60):
        def ready():
            process = self.process_of(pid)
            return process if process and process["agent"]["state"] == "ready" else None
        return wait_for(f"an agent in {pid}", ready, seconds)

    def act(self, target, *steps, wait="30s", **extra):
        return self.ask("POST", f"/api/v1/actions?wait={wait}",
                        {"target": str(target), "steps": list(steps), **extra})

    def receipts(self, rule=None):
        items = self.get("/api/v1/actions?limit=1000")["items"]
        return [item for item in items if rule is None or item["rule"] == rule]

    def events(self, kind=None):
        path = "/api/v1/events?limit=1000" + (f"&kind={kind}" if kind else "")
        return self.get(path)["items"]

    def memtend(self, *arguments, check=True, **options):
        """The command line against this daemon."""
        return subprocess.run([str(BUILD / "bin" / "memtend"), *arguments], check=check, text=True,
                              env={**os.environ, "MEMTEND_RUNTIME_DIR": str(self.runtime)},
                              capture_output=True, **options)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            code = self.process.wait(60)
            assert code == 0, f"memtendd ended with {code}:\n" + self.log.read_text()

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if kind:
            print(self.log.read_text(encoding="utf-8", errors="replace")[-6000:])
        try:
            self.stop()
        finally:
            if self.process.poll() is None:
                self.kill()
            if not self.keep_home:
                shutil.rmtree(self.home, ignore_errors=True)


class Program:
    """A workload under `memtend run`: with Program(daemon, "cycles.py") as program: ..."""

    def __init__(self, daemon, script, *arguments, name=None, python=sys.executable, agent=True):
        command = [python, str(WORKLOADS / script), *map(str, arguments)]
        if agent:
            option = ["--name", name] if name else []
            command = [str(BUILD / "bin" / "memtend"), "run", *option, "--", *command]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL,
            env={**os.environ, "MEMTEND_RUNTIME_DIR": str(daemon.runtime)})
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def wait_idle(*pids):
    """Until these processes have done what they were started for, and only sleep."""
    def work():
        stats = [pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1]
                 .split() for pid in pids]
        return all(stat[0] == "S" for stat in stats) and [stat[11:13] for stat in stats]

    def idle():
        looks = []
        for _ in range(3):
            looks.append(work())
            time.sleep(0.05)
        return looks[0] and looks.count(looks[0]) == len(looks)
    wait_for(f"rest in {pids}", idle)


@contextlib.contextmanager
def many_agents(daemon, plain, pythons):
    """As many real agents, most of them in programs that only sleep."""
    env = {**os.environ, "MEMTEND_SOCK": str(daemon.runtime / "agent" / "control.sock"),
           "MEMTEND_NAME": "crowd", "LD_PRELOAD": str(BUILD / "lib" / "libmemtend-agent.so")}
    env.pop("MEMTEND_PID", None)
    commands = [["sleep", "600"]] * plain + [[sys.executable, "-S", "-E", "-c",
                                              "import time; time.sleep(600)"]] * pythons
    with contextlib.ExitStack() as stack:
        for command in commands:
            process = stack.enter_context(subprocess.Popen(command, env=env,
                                                           stdin=subprocess.DEVNULL))
            stack.callback(process.kill)
        yield


def hello_seconds(daemon, since):
    """When each agent said hello, in seconds after that wall-clock time, sorted."""
    times = [datetime.datetime.fromisoformat(item["time"].replace("Z", "+00:00")).timestamp()
             for item in daemon.events("hello")]
    return sorted(moment - since for moment in times if moment >= since)


def status_bytes(pid, key):
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.search(rf"^{key}:\s+(\d+) kB", text, re.M).group(1)) * 1024


def rollup(pid):
    """{"Rss": bytes, "Pss": …, "uss": bytes} of smaps_rollup."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    values = {m[1]: int(m[2]) * 1024 for m in re.finditer(r"^(\w+):\s+(\d+) kB", text, re.M)}
    values["uss"] = values["Private_Clean"] + values["Private_Dirty"]
    return values


def children(pid):
    text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    return [int(child) for child in text.split()]


def near(a, b, percent=5, floor=2 * MIB):
    return abs(a - b) <= max(floor, percent * max(abs(a), abs(b)) / 100)


def attempt(test):
    """"ok", "skipped" or "failed", with a line about it."""
    begun = time.monotonic()
    result, note = "ok", ""
    try:
        test()
    except Skipped as reason:
        result = "skipped"
        print(f"SKIP: {test.__name__}: {reason}")
    except Exception as error:  # each test must be reported, whatever it raised
        traceback.print_exc()
        result, note = "failed", f": {error}"
    print(f"{test.__name__}: {result} ({time.monotonic() - begun:.1f} s){note}", flush=True)
    return result


def run(tests):
    """Run the named functions (or all); exit 1 when one failed, 77 when all were skipped."""
    chosen = [test for test in tests if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]]
    results = [attempt(test) for test in chosen]
    passed, failed, skipped = (results.count(r) for r in ("ok", "failed", "skipped"))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed or not chosen else 0 if passed else 77)
