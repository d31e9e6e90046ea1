#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The whole daemon over 1,000 idle processes, beside R measured in the same run.

usage: bench_sampling.py BUILD-DIRECTORY [PROCESSES]

R = CPU of open + read + close of PID/statm in C, measured twice in the same run: at the daemon's pace
(once a second, caches cold: r_usec, ratio) and in a warm loop (r_warm_usec, ratio_warm). Prints one JSON line per figure:
  fast_and_store   probe and HTTP clients off, slow pass each 5 min; CPU of all threads per process
                   and tick, over R
  with_slow_pass   the same with the slow pass at its default, each process each 10 s
  everything       probe on; percent of one core
  own_memory       Private_Dirty + swap of all roles, MiB
"""
import json
import os
import pathlib
import subprocess
import sys
import time

BUILD = pathlib.Path(sys.argv[1]).resolve()
PROCESSES = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
os.environ["MEMTEND_BUILD"] = str(BUILD)
sys.argv = sys.argv[:1]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "e2e"))
from house import Daemon, wait_for  # noqa: E402  the tests' own way to start a daemon

SETTLE_TICKS, MEASURE_TICKS, ROUNDS = 15, 20, 3


def cpu_seconds(pid):
    """CPU of every thread so far, from schedstat (nanoseconds)."""
    total = 0
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((thread / "schedstat").read_text(encoding="utf-8").split()[0])
    return total / 1e9


def raw_seconds(pids, *arguments):
    text = "\n".join(map(str, pids))
    result = subprocess.run([BUILD / "bench" / "bench_raw", *arguments], input=text, text=True,
                            capture_output=True, check=True)
    return float(result.stdout) / 1e9


def measure(daemon, pids):
    """(CPU seconds a tick and process, R, R in a warm loop) - the median of some rounds."""
    rounds = []
    for _ in range(ROUNDS):
        before = daemon.get("/api/v1/status")
        cpu = cpu_seconds(daemon.process.pid)
        time.sleep(MEASURE_TICKS)
        cpu = cpu_seconds(daemon.process.pid) - cpu
        after = daemon.get("/api/v1/status")
        ticks = after["ticks"] - before["ticks"]
        rounds.append((cpu / ticks / after["processes"], raw_seconds(pids, "7", "1000"),
                       raw_seconds(pids, "15")))
    return sorted(rounds, key=lambda round_: round_[0] / round_[1])[len(rounds) // 2]


def say(figure, **values):
    print(json.dumps({"bench": "sampling", "figure": figure, "processes": PROCESSES, **values}),
          flush=True)


def say_cost(figure, cost, raw, warm, **more):
    say(figure, usec_per_process=round(cost * 1e6, 2), r_usec=round(raw * 1e6, 2),
        ratio=round(cost / raw, 2), r_warm_usec=round(warm * 1e6, 2),
        ratio_warm=round(cost / warm, 2),
        percent_of_core_at_1000=round(cost * 1000 * 100, 2), **more)


def settle(daemon):
    wait_for("the daemon to settle",
             lambda: daemon.get("/api/v1/status")["ticks"] > SETTLE_TICKS, 60)


def main():
    idle = [subprocess.Popen([BUILD / "bench" / "bench_idle"]) for _ in range(PROCESSES)]
    pids = [process.pid for process in idle]
    try:
        for figure, period in (("fast_and_store", "5m"), ("with_slow_pass", "10s")):
            config = f"[Daemon]\nSlowPeriod={period}\n[Probe]\nEnable=no\n[HTTP]\nListen=off\n"
            with Daemon(config=config) as daemon:
                settle(daemon)
                target = {"target_ratio": 1.9} if figure == "fast_and_store" else {}
                say_cost(figure, *measure(daemon, pids), **target)
        with Daemon(config="[HTTP]\nListen=off\n") as daemon:
            settle(daemon)
            say_cost("everything", *measure(daemon, pids))
            memory = daemon.get("/api/v1/status")["self"]["private_bytes"]
            say("own_memory", mebibytes=round(memory / (1 << 20), 2), target_mebibytes=12)
    finally:
        for process in idle:
            process.kill()
        for process in idle:
            process.wait()


main()
