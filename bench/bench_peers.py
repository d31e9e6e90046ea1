#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What others pay for the memory of every process, once a second, beside us. One JSON line a tool.

usage: bench_peers.py BUILD-DIRECTORY [PROCESSES]      default: 1000

Over so many idle processes all tools run at the same time, each once a second, for the same half
minute, and so does the anchor: R = CPU per process of open + read + close of PID/statm in C. Each
has the settings with which it asks for least. What a line says of a tool:
  usec_per_process  CPU of all its threads and children for one process and pass; ratio: over R
  passes            how often it has looked in that time, by what it says itself
  memory_mebibytes  Private_Dirty + swap of all its processes
  reads             files of /proc/PID that it reads, each with the share of the idle processes of
                    which it was read within four seconds under strace; seen, not known beforehand
  times_ours        its cost over that of memtend_rss
memtend is the daemon with everything on and no client. memtend_rss keeps the probe out: RSS and
what else needs no rights, stored; the question that all of them answer. What others tell beside
RSS is seen from their reads.
Tools come from BUILD-DIRECTORY/peers, where `./dev bench peers` unpacks them from Debian, or from
the machine; one that is in neither has a line with the reason.
"""
import contextlib
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
import threading
import time

BUILD = pathlib.Path(sys.argv[1]).resolve()
CROWD = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
PEERS = BUILD / "peers"
os.environ["MEMTEND_BUILD"] = str(BUILD)
sys.argv = sys.argv[:1]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "e2e"))
from house import Daemon, wait_for  # noqa: E402  the tests' own way to start a daemon

SETTLE_SECONDS = 15  # first passes read more, and grow buffers
MEASURE_SECONDS = 30
STRACE_SECONDS = 4  # one pass, which strace makes several times slower
LIBRARIES = ":".join(str(PEERS / folder) for folder in ("usr/lib/x86_64-linux-gnu",
                                                        "usr/lib/aarch64-linux-gnu", "usr/lib"))
PSUTIL = """
import time, psutil
due = time.monotonic()
while True:
    for process in psutil.process_iter(["memory_info"]):
        pass
    print("pass", flush=True)
    due += 1
    time.sleep(max(0, due - time.monotonic()))
"""


class Absent(Exception):
    """A tool that cannot be measured here; the text says why."""


def program(name, *places):
    """The path of a tool: unpacked, or the machine's."""
    for place in (*places, f"usr/bin/{name}", f"usr/sbin/{name}"):
        for root in (PEERS, pathlib.Path("/")):
            if os.access(root / place, os.X_OK):
                return str(root / place)
    raise Absent(f"no {name}, neither unpacked from Debian nor on this machine")


class Tool:
    """A started program and how to look at it; it says mark at each pass."""

    def __init__(self, name, command, mark, **env):
        self.name, self.mark = name, mark
        self.home = tempfile.TemporaryDirectory(prefix="memtend-peer-")
        env = {**os.environ, "HOME": self.home.name, "LC_ALL": "C", "LD_LIBRARY_PATH": LIBRARIES,
               **{key: value.replace("@", self.home.name) for key, value in env.items()}}
        self.out, self.log = (pathlib.Path(self.home.name, name) for name in ("out", "log"))
        with open(self.out, "wb") as out, open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [word.replace("@", self.home.name) for word in command], env=env,
                cwd=self.home.name, stdin=subprocess.PIPE, stdout=out, stderr=log)

    def passes(self):
        return self.out.read_bytes().count(self.mark)

    def pids(self):
        return family(self.process.pid)

    def check(self):
        if self.process.poll() is not None:
            words = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise Absent(f"ended with {self.process.returncode}: {' '.join(words[-2:])[:200]}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.home.cleanup()


class Atop(Tool):
    def passes(self):
        """As many as it finds in its own recording."""
        said = subprocess.run([*self.process.args[:1], "-r", f"{self.home.name}/raw", "-P", "CPL"],
                              check=False, capture_output=True, timeout=60)
        return said.stdout.count(self.mark)


class Exporter(Tool):
    """It looks when its page is asked for: here once a second."""

    def __init__(self, name, command, address):
        super().__init__(name, [*command, "-web.listen-address=%s:%d" % address], b"")
        self.address, self.asked, self.over = address, 0, threading.Event()
        self.thread = threading.Thread(target=self.keep_asking)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *problem):
        self.over.set()
        self.thread.join()
        super().__exit__(*problem)

    def passes(self):
        return self.asked

    def keep_asking(self):
        due = time.monotonic()
        while not self.over.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(
                    http.client.HTTPConnection(*self.address, timeout=30)) as connection:
                connection.request("GET", "/metrics")
                connection.getresponse().read()
                self.asked += 1
            due += 1
            self.over.wait(max(0, due - time.monotonic()))


class Ours:
    """A daemon of ours, seen as a tool."""

    def __init__(self, name, config):
        self.name, self.daemon = name, Daemon(config=config)

    def passes(self):
        return self.daemon.get("/api/v1/status")["ticks"]

    def pids(self):
        return family(self.daemon.process.pid)

    def check(self):
        pass

    def __enter__(self):
        self.daemon.__enter__()
        return self

    def __exit__(self, *problem):
        self.daemon.__exit__(*problem)


def memtend():
    return Ours("memtend", "[HTTP]\nListen=off\n")


def memtend_rss():
    return Ours("memtend_rss", "[HTTP]\nListen=off\n[Probe]\nEnable=no\n")


def top():
    return Tool("top", [program("top"), "-b", "-d", "1", "-w", "512"], b"top - ")


def psutil():
    modules = str(PEERS / "usr/lib/python3/dist-packages")
    command = ["/usr/bin/python3", "-c", PSUTIL]
    if subprocess.run([*command[:2], "import psutil"], check=False, capture_output=True,
                      env={**os.environ, "PYTHONPATH": modules}).returncode != 0:
        raise Absent("no python3-psutil, neither unpacked from Debian nor on this machine")
    return Tool("psutil", command, b"pass", PYTHONPATH=modules)


def apps_plugin():
    path = program("apps.plugin", "usr/lib/netdata/plugins.d/apps.plugin",
                   "usr/libexec/netdata/plugins.d/apps.plugin")
    stock = str(pathlib.Path(path).parents[1] / "conf.d")
    # Its cheapest: no file descriptors, no users or groups of them.
    return Tool("apps.plugin", [path, "1", "without-files", "without-users", "without-groups"],
                b"BEGIN apps.mem ", NETDATA_STOCK_CONFIG_DIR=stock,
                NETDATA_USER_CONFIG_DIR="@")


def atop():
    # ATOPACCT is empty so that it does not switch the machine's process accounting on.
    return Atop("atop", [program("atop"), "-w", "@/raw", "1"], b"\nCPL ", ATOPACCT="")


def exporter():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = free.getsockname()
    return Exporter("prometheus-process-exporter",
                    [program("prometheus-process-exporter"), "-procnames", "bench_idle",
                     "-children=false", "-threads=false", "-gather-smaps=false"], address)


TOOLS = {"memtend": memtend, "memtend_rss": memtend_rss, "top": top, "psutil": psutil,
         "apps.plugin": apps_plugin, "atop": atop, "prometheus-process-exporter": exporter}


def family(pid):
    """A process and all below it."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in pathlib.Path(f"/proc/{parent}/task").iterdir():
                found += map(int, (task / "children").read_text(encoding="ascii").split())
    return found


def threads_nsec(pids):
    """{thread: CPU so far}, and what children that are gone took, of these processes."""
    found = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                found[task.name] = int((task / "schedstat").read_text(encoding="ascii").split()[0])
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
            gone = sum(map(int, stat.rsplit(")", 1)[1].split()[13:15]))
            found[f"gone of {pid}"] = gone * 10**9 // os.sysconf("SC_CLK_TCK")
    return found


def cpu_seconds(before, after):
    return sum(nsec - before.get(thread, 0) for thread, nsec in after.items()) / 1e9


def memory_mebibytes(pids):
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
            total += sum(map(int, re.findall(r"^(?:Private_Dirty|Swap):\s+(\d+)", text, re.M)))
    return total / 1024


def reads_of(tool, idle):
    """{file of /proc/PID: share of the idle processes of which it was read}, or why not."""
    strace = shutil.which("strace")
    if not strace:
        return "no strace on this machine"
    with tempfile.NamedTemporaryFile(prefix="memtend-strace-", mode="r", errors="replace") as said:
        attach = [word for pid in tool.pids() for word in ("-p", str(pid))]
        with subprocess.Popen(
                [strace, "-f", "-y", "-s", "0", "-qq", "-o", said.name,
                 "-e", "trace=open,openat,read,pread64,readlink,readlinkat", *attach],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, text=True) as tracer:
            with contextlib.suppress(subprocess.TimeoutExpired):
                tracer.wait(STRACE_SECONDS)
            ended = tracer.poll()
            if ended is None:
                tracer.send_signal(signal.SIGINT)  # it lets go of what it holds
            problem = tracer.stderr.read().strip()
        if ended:
            return f"strace: {problem[:120]}"
        return shares(said, set(map(str, idle)))


def shares(lines, idle):
    found = {}
    for line in lines:
        for pid, name in re.findall(r"<?/proc/(\d+)/(?:task/\d+/)?(\w+)", line):
            if pid in idle and " = -1 " not in line:
                found.setdefault(name, set()).add(pid)
    return {name: round(len(pids) / len(idle), 3) for name, pids in sorted(found.items())}


def everybody():
    return [int(path.name) for path in pathlib.Path("/proc").glob("[0-9]*")]


def anchor(pids):
    """The loop that measures R, at the pace of all others."""
    process = subprocess.Popen([BUILD / "bench" / "bench_raw", str(MEASURE_SECONDS), "1000"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdin.write("\n".join(map(str, pids)))
    process.stdin.close()
    return process


def say(**values):
    print(json.dumps({"bench": "peers", **values}), flush=True)


def start_all(stack):
    """The tools that run; a line for each that does not."""
    started = []
    for name, start in TOOLS.items():
        try:
            started.append(stack.enter_context(start()))
        except (Absent, OSError) as reason:
            say(tool=name, absent=str(reason))
    time.sleep(SETTLE_SECONDS)
    return [tool for tool in started if still_runs(tool)]


def still_runs(tool):
    try:
        tool.check()
        return True
    except Absent as reason:
        say(tool=tool.name, absent=str(reason))
        return False


def measure(tools):
    """([(CPU seconds, passes)], processes, R in seconds) of the same stretch of time."""
    pids = everybody()
    with anchor(pids) as raw:
        before = [(threads_nsec(tool.pids()), tool.passes()) for tool in tools]
        raw_nsec = float(raw.stdout.read())
    after = [(threads_nsec(tool.pids()), tool.passes()) for tool in tools]
    return [(cpu_seconds(nsec, now_nsec), now - passes) for (nsec, passes), (now_nsec, now)
            in zip(before, after)], len(pids), raw_nsec / 1e9


def bench(idle):
    with contextlib.ExitStack() as stack:
        tools = start_all(stack)
        found, processes, raw = measure(tools)
        memory = [memory_mebibytes(tool.pids()) for tool in tools]
        each = [cpu / max(passes, 1) / processes for cpu, passes in found]
        ours = next(cost for tool, cost in zip(tools, each) if tool.name == "memtend_rss")
        for tool, cost, (_, passes), mebibytes in zip(tools, each, found, memory):
            if not still_runs(tool):
                continue
            if passes == 0:
                say(tool=tool.name, absent=f"no pass in {MEASURE_SECONDS} s")
                continue
            say(tool=tool.name, processes=processes, passes=passes,
                usec_per_process=round(cost * 1e6, 2), r_usec=round(raw * 1e6, 2),
                ratio=round(cost / raw, 2),
                percent_of_core_at_1_hz=round(100 * cost * processes, 2),
                memory_mebibytes=round(mebibytes, 2), times_ours=round(cost / ours, 1),
                reads=reads_of(tool, idle), load=round(os.getloadavg()[0], 1))


def main():
    crowd = []
    try:
        for _ in range(CROWD):
            crowd.append(subprocess.Popen([BUILD / "bench" / "bench_idle"], close_fds=False))
        pids = [process.pid for process in crowd]
        wait_for("the crowd", lambda: all(pathlib.Path(f"/proc/{pid}/comm").read_text() ==
                                          "bench_idle\n" for pid in pids))
        bench(pids)
    finally:
        for process in crowd:
            process.kill()
        for process in crowd:
            process.wait()


main()
