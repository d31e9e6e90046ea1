#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a local user without rights tries against a daemon that others rely on."""
import contextlib
import subprocess
import sys

from house import Daemon, run, wait_for


@contextlib.contextmanager
def processes(count, *arguments, script="import time; time.sleep(600)"):
    """As many small processes with these arguments."""
    with contextlib.ExitStack() as stack:
        started = []
        for _ in range(count):
            process = stack.enter_context(subprocess.Popen(
                [sys.executable, "-S", "-E", "-c", script, *arguments],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
            stack.callback(process.kill)
            started.append(process)
        yield started


def ticks_pass(daemon, count, seconds):
    first = daemon.get("/api/v1/status")["ticks"]
    wait_for(f"{count} ticks", lambda: daemon.get("/api/v1/status")["ticks"] >= first + count,
             seconds)


def test_dear_command_lines():
    """Each byte of the line begins a match that never ends: the loop must not pay for it."""
    with Daemon() as daemon, processes(40, "a" * 4000) as started:
        for process in started:
            wait_for("its command line", lambda pid=process.pid: (
                daemon.process_of(pid) or {}).get("cmdline"))
        for number in range(10):
            status, _ = daemon.ask("PUT", f"/api/v1/rules/r{number}", {
                "text": f'rule r{number} for each process where cmdline ~ "a.*b{number}":\n'
                        "  when rss > 30 GiB\n  then trim"})
            assert status == 201, status
        ticks_pass(daemon, 5, 15)


run([value for key, value in list(globals().items()) if key.startswith("test_")])
