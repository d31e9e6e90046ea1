#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Targets that are unlike others: as many mappings as the kernel allows, hundreds of threads, dead
but not waited for, hidden by /proc; and a head that stands still."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from house import Daemon, children, near, rollup, run, skip, status_bytes, wait_for

# Neighbours with other rights do not become one mapping.
MAPPINGS = """
import mmap, sys
count = int(sys.argv[1])
held = mmap.mmap(-1, count * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
start = ctypes.addressof(ctypes.c_char.from_buffer(held))
for page in range(0, count, 2):
    held[page * 4096] = 1
    if libc.mprotect(ctypes.c_void_p(start + page * 4096), 4096, mmap.PROT_READ) != 0:
        break
print("ready", flush=True)
sys.stdin.readline()
"""
THREADS = """
import sys, threading
threading.stack_size(65536)
done = threading.Event()
threads = [threading.Thread(target=done.wait) for _ in range(int(sys.argv[1]))]
for one in threads:
    one.start()
print("ready", flush=True)
sys.stdin.readline()
done.set()
"""
ZOMBIE = """
import os, sys
child = os.fork()
if child == 0:
    sys.stdin.readline()
    os._exit(0)
print(child, flush=True)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
print("dead", flush=True)
sys.stdin.readline()
os.waitpid(child, 0)
print("buried", flush=True)
sys.stdin.readline()
"""


@contextlib.contextmanager
def program(text, *arguments):
    with subprocess.Popen([sys.executable, "-S", "-E", "-c", text, *map(str, arguments)], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def tell(process):
    process.stdin.write("\n")
    process.stdin.flush()


def whole_ledger(daemon, pid):
    def look():
        status, ledger = daemon.ask("GET", f"/api/v1/processes/pid:{pid}/ledger")
        return status == 200 and ledger["whole"] and ledger
    return wait_for("its layers", look)


def more_ticks(daemon, count):
    first = daemon.get("/api/v1/status")["ticks"]
    wait_for(f"{count} ticks", lambda: daemon.get("/api/v1/status")["ticks"] >= first + count)


def as_many_mappings_as_may_be():
    """Its smaps is 45 MB of text. Where there is no time for that, this is said, and nobody else is
    the worse for it."""
    most = int(pathlib.Path("/proc/sys/vm/max_map_count").read_text(encoding="ascii"))
    count = min(100000, most - 2000)
    with program(MAPPINGS, count) as process, Daemon() as daemon:
        assert process.stdout.readline() == "ready\n"
        with open(f"/proc/{process.pid}/maps", encoding="utf-8") as maps:
            lines = sum(1 for _ in maps)
        assert lines > 0.9 * count, lines
        wait_for("the process", lambda: daemon.process_of(process.pid))
        ledger = wait_for("its layers, or why there are none", lambda: (
            lambda one: (one["whole"] or one["missing"]) and one)(
            daemon.get(f"/api/v1/processes/pid:{process.pid}/ledger")))
        assert sum(layer["bytes"] for layer in ledger["layers"]) == ledger["rss_bytes"], ledger
        assert near(ledger["rss_bytes"], rollup(process.pid)["Rss"]), ledger
        more_ticks(daemon, 5)
        with program(THREADS, 1) as other:  # USS may be late: the budget of a minute may be spent
            wait_for("the command line of another", lambda: (
                daemon.process_of(other.pid) or {}).get("cmdline"))
        seen = daemon.process_of(process.pid)
        assert "uss_bytes" in seen or seen["uss_absent"] in (
            "not_yet", "too_dear", "unreadable"), seen
        status = daemon.get("/api/v1/status")
        assert status["probe"]["restarts"] <= 3, status["probe"]
        print(f"{lines} mappings: whole {ledger['whole']}, {ledger['missing']}, "
              f"{status['probe']['restarts']} probes lost")


def hundreds_of_threads():
    with program(THREADS, 800) as process, Daemon() as daemon:
        assert process.stdout.readline() == "ready\n"
        seen = wait_for("its threads", lambda: (lambda one: one and one.get("threads") == 801 and
                                                "uss_bytes" in one and one)(
            daemon.process_of(process.pid)))
        assert near(seen["rss_bytes"], status_bytes(process.pid, "VmRSS")), seen
        # What it shares with other Pythons is its own when these have ended.
        assert abs(seen["uss_bytes"] - rollup(process.pid)["uss"]) < 16 << 20, seen
        ledger = whole_ledger(daemon, process.pid)
        assert sum(layer["bytes"] for layer in ledger["layers"]) == ledger["rss_bytes"], ledger
        assert near(ledger["rss_bytes"], rollup(process.pid)["Rss"]), ledger
        listed = daemon.get("/api/v1/processes?limit=1000")["items"]
        assert [one["pid"] for one in listed].count(process.pid) == 1, "its threads are listed"


def dead_but_not_waited_for():
    """It has no memory: nothing is said of any, and it is gone when its parent says so."""
    with program(ZOMBIE) as process, Daemon() as daemon:
        child = int(process.stdout.readline())
        wait_for("the child", lambda: "uss_bytes" in (daemon.process_of(child) or {}))
        tell(process)
        assert process.stdout.readline() == "dead\n"
        # Listed without memory, or not at all.
        wait_for("no memory", lambda: (daemon.process_of(child) or {}).get("rss_bytes", 0) == 0)
        more_ticks(daemon, 5)
        status, answer = daemon.ask("GET", f"/api/v1/processes/pid:{child}/ledger")
        assert status in (404, 409) or (answer["rss_bytes"] == 0 and not answer["whole"]), answer
        assert daemon.get("/api/v1/status")["self"]["reads"]["malformed"] == 0
        assert daemon.memtend("why", str(child), check=False).returncode >= 0
        tell(process)
        assert process.stdout.readline() == "buried\n"
        wait_for("it to be gone", lambda: daemon.process_of(child) is None)


def a_head_that_stands_still():
    """When it goes on it goes on where it was: the same probe, one tick for all that it missed."""
    with program(THREADS, 1) as process, Daemon() as daemon:
        assert process.stdout.readline() == "ready\n"
        wait_for("USS", lambda: "uss_bytes" in (daemon.process_of(process.pid) or {}))
        probes, before = children(daemon.process.pid), daemon.get("/api/v1/status")
        os.kill(daemon.process.pid, signal.SIGSTOP)
        stopped = time.monotonic()
        try:
            wait_for("two seconds", lambda: time.monotonic() > stopped + 2)
            process.kill()
            process.wait()
        finally:
            os.kill(daemon.process.pid, signal.SIGCONT)
        more_ticks(daemon, 5)
        after = daemon.get("/api/v1/status")
        assert children(daemon.process.pid) == probes, "another probe"
        assert after["probe"]["restarts"] == before["probe"]["restarts"], after["probe"]
        passed = time.monotonic() - stopped
        assert after["ticks"] - before["ticks"] <= (passed - 2) / 0.1 + 3, (before, after, passed)
        wait_for("who died meanwhile to be gone", lambda: daemon.process_of(process.pid) is None)


# Not 65534, which stands for those that have no number here: they are refused.
NOBODY = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", "env", "HOME=/"]
PYTHON = "/usr/bin/python3"  # one that nobody can reach
ASK = """
import http.client, socket, sys
connection = http.client.HTTPConnection("localhost")
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.connect(sys.argv[1])
connection.request("GET", sys.argv[2])
answer = connection.getresponse()
print(answer.status)
print(answer.read().decode())
"""


class NobodysDaemon(Daemon):
    """It does not see who asks but its own user, and so does not answer others."""

    def ask(self, method, path, body=None, headers=None):
        done = subprocess.run([*NOBODY, PYTHON, "-S", "-E", "-c", ASK, self.runtime / "http.sock",
                               path], check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise OSError(done.stderr)
        status, text = done.stdout.split("\n", 1)
        return int(status), json.loads(text) if text.startswith("{") else text


@contextlib.contextmanager
def hidden(option):
    """A daemon of nobody's on a /proc with this option, a process of nobody's and one of root's."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "setpriv", PYTHON))):
        skip("another user and a /proc of its own need root, unshare, setpriv and " + PYTHON)
    with tempfile.TemporaryDirectory(prefix="memtend-") as home, contextlib.ExitStack() as stack:
        os.chown(home, 65533, 65533)
        daemon = NobodysDaemon(home=home)
        for path in [pathlib.Path(home), *pathlib.Path(home).rglob("*")]:
            os.chown(path, 65533, 65533)
        inside = ["unshare", "--mount", "sh", "-c",
                  f"mount -t proc -o {option} proc /proc 2>/dev/null || exit 77; exec \"$@\"", "sh"]
        if subprocess.run([*inside, "true"], check=False, capture_output=True).returncode != 0:
            skip("no mount namespace, or no /proc to be mounted in it")
        if subprocess.run([*NOBODY, daemon.command[0], "--version"], check=False,
                          capture_output=True).returncode != 0:
            skip("another user cannot reach the build directory")
        daemon.command = [*inside, *NOBODY, *daemon.command]
        pids = []
        for command in ([*NOBODY, "sleep", "600"], ["sleep", "600"]):
            process = stack.enter_context(subprocess.Popen(command, stdin=subprocess.DEVNULL))
            stack.callback(process.kill)
            pids.append(process.pid)
        yield stack.enter_context(daemon), *pids


def hidden_processes():
    """What /proc does not show is not there; what it shows closed has no values, only a name or
    none; our own are as ever."""
    for option in ("hidepid=2", "hidepid=1"):
        with hidden(option) as (daemon, own, other):
            seen = wait_for("its own user's", lambda: (lambda one: one and one["comm"] == "sleep"
                                                       and "uss_bytes" in one and one)(
                daemon.process_of(own)))
            assert near(seen["uss_bytes"], rollup(own)["uss"]), seen
            more_ticks(daemon, 5)
            closed = daemon.process_of(other)
            assert closed is None or not {"rss_bytes", "pss_bytes", "uss_bytes"} & closed.keys(), (
                option, closed)
            status = daemon.get("/api/v1/status")
            print(option, status["processes"], status["processes_unreadable"], status["missing"])
            assert status["self"]["reads"]["malformed"] == 0, status
            assert status["self"]["reads"]["failed"] == 0, status


run([as_many_mappings_as_may_be, hundreds_of_threads, dead_but_not_waited_for,
     a_head_that_stands_still, hidden_processes])
