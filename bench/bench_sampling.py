#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The whole daemon over 1,000 idle processes, beside R measured in the same run.

usage: bench_sampling.py BUILD-DIRECTORY [PROCESSES]

R = CPU of open + read + close of PID/statm in C. Prints one JSON line per figure:
  fast_and_store   probe and HTTP clients off; CPU of all threads per process and tick, over R
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


def raw_seconds(pids):
    text = "\n".join(map(str, pids))
    result = subprocess.run([BUILD / "bench" / "bench_raw", "15"], input=text, text=True,
                            capture_output=True, check=True)
    return float(result.stdout) / 1e9


def measure(daemon, pids):
    """(CPU seconds a tick, processes seen, R) - the median of some rounds."""
    rounds = []
    for _ in range(ROUNDS):
        before = daemon.get("/api/v1/status")
        cpu = cpu_seconds(daemon.process.pid)
        time.sleep(MEASURE_TICKS)
        cpu = cpu_seconds(daemon.process.pid) - cpu
        after = daemon.get("/api/v1/status")
        rounds.append((cpu / (after["ticks"] - before["ticks"]), after["processes"],
                       raw_seconds(pids)))
    return sorted(rounds, key=lambda round_: round_[0] / round_[2])[len(rounds) // 2]


def say(figure, **values):
    print(json.dumps({"bench": "sampling", "figure": figure, "processes": PROCESSES, **values}),
          flush=True)


def settle(daemon):
    wait_for("the daemon to settle",
             lambda: daemon.get("/api/v1/status")["ticks"] > SETTLE_TICKS, 60)


def main():
    idle = [subprocess.Popen([BUILD / "bench" / "bench_idle"]) for _ in range(PROCESSES)]
    pids = [process.pid for process in idle]
    try:
        with Daemon(config="[Probe]\nEnable=no\n[HTTP]\nListen=off\n") as daemon:
            settle(daemon)
            tick, seen, raw = measure(daemon, pids)
            say("fast_and_store", usec_per_process=round(tick / seen * 1e6, 2),
                r_usec=round(raw * 1e6, 2), ratio=round(tick / seen / raw, 2), target_ratio=1.9,
                percent_of_core=round(tick * 100, 2))
            status = daemon.get("/api/v1/status")
            say("tick_without_probe", duration_seconds=status["tick_duration_seconds"])
        with Daemon(config="[HTTP]\nListen=off\n") as daemon:
            settle(daemon)
            tick, seen, raw = measure(daemon, pids)
            say("everything", percent_of_core=round(tick * 100, 2),
                ratio=round(tick / seen / raw, 2))
            memory = daemon.get("/api/v1/status")["self"]["private_bytes"]
            say("own_memory", mebibytes=round(memory / (1 << 20), 2), target_mebibytes=12)
    finally:
        for process in idle:
            process.kill()
        for process in idle:
            process.wait()


main()
