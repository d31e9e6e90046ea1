#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the probe sees of real programs: large, frozen, growing ones; and a probe that stands still
or dies. Needs 800 MiB of memory."""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys

from house import MIB, Daemon, children, near, rollup, run, skip, wait_for

# Pages of 4 KiB, whatever the machine prefers, in one mapping; more for each line of input. Every
# second one prefers nothing: the kernel would join neighbours that are alike.
PROGRAM = """
import mmap, sys
held = []
for line in sys.stdin:
    piece = mmap.mmap(-1, int(line) << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if len(held) % 2 == 0:
        piece.madvise(mmap.MADV_NOHUGEPAGE)
    for page in range(0, len(piece), 4096):
        piece[page] = 1
    held.append(piece)
    print("held", flush=True)
"""


class Holder:
    """A program that holds so much, and more when asked."""

    def __init__(self, mib):
        self.process = subprocess.Popen([sys.executable, "-c", PROGRAM], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self.process.pid
        self.hold(mib)

    def hold(self, mib):
        self.process.stdin.write(f"{mib}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "held\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def ledger_of(daemon, pid):
    return daemon.get(f"/api/v1/processes/pid:{pid}/ledger")


def probe_of(daemon):
    """The pid of the probe that answers now."""
    for pid in children(daemon.process.pid):
        comm = pathlib.Path(f"/proc/{pid}/comm")
        with contextlib.suppress(OSError):
            if comm.read_text(encoding="utf-8") == "memtend-probe\n":
                return pid
    return None


def large_process():
    """Too dear for smaps: layers and USS page by page, PSS absent and why."""
    memory = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGESIZE")
    if memory < 1200 * MIB:
        skip("less than 1.2 GiB of free memory")
    with Holder(700) as holder, Daemon() as daemon:
        process = wait_for("USS", lambda: (daemon.process_of(holder.pid) or {}).get("uss_bytes")
                           and daemon.process_of(holder.pid))
        assert near(process["uss_bytes"], rollup(holder.pid)["uss"]), process
        assert "pss_bytes" in process or process["pss_absent"] == "too_dear", process
        ledger = wait_for("layers", lambda: (lambda one: one["whole"] and one)(
            ledger_of(daemon, holder.pid)))
        assert sum(layer["bytes"] for layer in ledger["layers"]) == ledger["rss_bytes"], ledger
        assert near(ledger["rss_bytes"], rollup(holder.pid)["Rss"]), ledger
        assert ledger["large"][0]["size_bytes"] >= 700 * MIB, ledger
        if "pss_absent" in process:
            assert "pss_bytes" not in ledger, ledger
            wait_for("it to be said", lambda: any(
                "more than 10 ms" in line for line in daemon.get("/api/v1/status")["missing"]))
            lines = [line.split() for line in daemon.memtend("ps").stdout.splitlines()]
            assert [line[3] for line in lines if line[0] == str(holder.pid)] == ["dear"], lines


def births_of_mappings():
    with Holder(20) as holder, Daemon() as daemon:
        wait_for("the process", lambda: daemon.process_of(holder.pid))
        first = wait_for("layers", lambda: (lambda one: one["whole"] and one)(
            ledger_of(daemon, holder.pid)))
        assert all("born_seconds_ago" not in large for large in first["large"]), first
        holder.hold(30)
        second = ledger_of(daemon, holder.pid)
        born = [large for large in second["large"] if "born_seconds_ago" in large]
        assert len(born) == 1 and born[0]["size_bytes"] >= 30 * MIB, second
        third = ledger_of(daemon, holder.pid)
        again = [large for large in third["large"] if "born_seconds_ago" in large]
        assert again[0]["born_seconds_ago"] >= born[0]["born_seconds_ago"], third


def frozen_process():
    with Holder(10) as holder, Daemon() as daemon:
        os.kill(holder.pid, signal.SIGSTOP)
        process = wait_for("PSS", lambda: (lambda one: one and "pss_bytes" in one and one)(
            daemon.process_of(holder.pid)))
        assert near(process["uss_bytes"], rollup(holder.pid)["uss"]), process
        assert ledger_of(daemon, holder.pid)["whole"]


def probe_that_stands_still():
    """It is replaced, told once each, and reading goes on."""
    with Holder(10) as holder, Daemon() as daemon:
        stopped = wait_for("a probe", lambda: probe_of(daemon))
        wait_for("PSS", lambda: "pss_bytes" in (daemon.process_of(holder.pid) or {}))
        os.kill(stopped, signal.SIGSTOP)
        wait_for("another probe", lambda: probe_of(daemon) not in (None, stopped))
        wait_for("it to answer", lambda: daemon.get("/api/v1/status")["probe"]["state"] != "down")
        with Holder(12) as other:
            wait_for("PSS of a new process",
                     lambda: "pss_bytes" in (daemon.process_of(other.pid) or {}))
        assert not os.path.exists(f"/proc/{stopped}"), "the old one was not ended"
        assert 1 <= len(daemon.events("probe")) <= 3, daemon.events("probe")


def probe_that_keeps_dying():
    """A few words about it, not one for each."""
    with Daemon() as daemon:
        killed = 0
        while killed < 6:
            probe = wait_for("a probe", lambda: probe_of(daemon))
            with contextlib.suppress(ProcessLookupError):
                os.kill(probe, signal.SIGKILL)
                killed += 1
            wait_for("its end", lambda: not os.path.exists(f"/proc/{probe}"))
        assert daemon.ask("GET", "/readyz")[0] == 200
        wait_for("all to be counted",
                 lambda: daemon.get("/api/v1/status")["probe"]["restarts"] >= 6)
        events = daemon.events("probe")
        assert len(events) <= 6, events
        assert any("not told" in event["text"] for event in events), events


run([large_process, births_of_mappings, frozen_process, probe_that_stands_still,
     probe_that_keeps_dying])
