#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the daemon's sampling costs, beside R measured in the same run. One JSON line per figure.

usage: bench_sampling.py BUILD-DIRECTORY [PART...]      parts: 1000, 10000, lateness

R = CPU per process of open + read + close of PID/statm in C, at the daemon's pace (once a second,
caches cold), before and behind each round. Over 1,000 and 10,000 idle processes:
  fast_and_store   probe and HTTP over TCP off, slow fields each 5 min; CPU of all threads per
                   process and tick, over R; percent of a core; memory
  with_slow_pass   the same with the slow fields at their default, of each process each 10 s
  everything       all as by default, no client; percent of a core with the probe
  own_memory       Private_Dirty + swap of all roles, MiB; no client
lateness: how late ticks begin (p99 from the daemon's own histogram) while about 500 processes a
second come and go and two loops keep two cores busy.
Each line has the load average of the machine: others that run disturb caches and forks.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import time

BUILD = pathlib.Path(sys.argv[1]).resolve()
PARTS = sys.argv[2:] or ["1000", "10000", "lateness"]
os.environ["MEMTEND_BUILD"] = str(BUILD)
sys.argv = sys.argv[:1]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "e2e"))
from house import Daemon, children, wait_for  # noqa: E402  the tests' own way to start a daemon

SETTLE_TICKS, MEASURE_TICKS, ROUNDS = 15, 20, 3
DEEP_TICKS = 75  # everybody has been read deeply once
TARGETS = {1000: {"ratio": 0.55, "percent": 0.45, "everything": 1.2, "mebibytes": 8},
           10000: {"ratio": 0.60, "percent": None, "everything": None, "mebibytes": 16}}
LATE_TICKS, LATE_FORKS, LATE_TARGET = 100, 500, 0.005


def cpu_seconds(pids):
    """CPU of every thread so far, from schedstat (nanoseconds)."""
    return sum(int((thread / "schedstat").read_text(encoding="ascii").split()[0])
               for pid in pids for thread in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


def own_mebibytes(pids):
    total = 0
    for pid in pids:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        total += sum(map(int, re.findall(r"^(?:Private_Dirty|Swap):\s+(\d+)", text, re.M)))
    return total / 1024


def raw_seconds(pids):
    result = subprocess.run([BUILD / "bench" / "bench_raw", "3", "1000"], check=True, text=True,
                            input="\n".join(map(str, pids)), capture_output=True)
    return float(result.stdout) / 1e9


def say(figure, **values):
    print(json.dumps({"bench": "sampling", "figure": figure, **values,
                      "load": round(os.getloadavg()[0], 1)}), flush=True)


def roles(daemon):
    return [daemon.process.pid, *children(daemon.process.pid)]


def one_round(daemon, pids):
    """{"cost": CPU seconds a tick and process, "r": R, ...}"""
    before = daemon.get("/api/v1/status")
    cpu = cpu_seconds(roles(daemon))
    time.sleep(MEASURE_TICKS)
    cpu = cpu_seconds(roles(daemon)) - cpu
    after = daemon.get("/api/v1/status")
    ticks, processes = after["ticks"] - before["ticks"], after["processes"]
    stages = {name: round((after["self"]["stages"][name]["cpu_seconds_total"]
                           - before["self"]["stages"][name]["cpu_seconds_total"])
                          / ticks / processes * 1e6, 3) for name in after["self"]["stages"]}
    return {"cost": cpu / ticks / processes, "percent": 100 * cpu / ticks, "r": raw_seconds(pids),
            "kept_files": after["self"]["kept_files"], "stages": stages}


def measure(daemon, pids):
    """The round with the median ratio."""
    rounds = sorted((one_round(daemon, pids) for _ in range(ROUNDS)),
                    key=lambda found: found["cost"] / found["r"])
    return rounds[len(rounds) // 2]


def say_cost(figure, processes, found, **targets):
    say(figure, processes=processes, usec_per_process=round(found["cost"] * 1e6, 2),
        r_usec=round(found["r"] * 1e6, 2), ratio=round(found["cost"] / found["r"], 2),
        percent_of_core=round(found["percent"], 2), kept_files=found["kept_files"],
        stage_usec_per_process=found["stages"],
        **{name: value for name, value in targets.items() if value is not None})


def settle(daemon, ticks=SETTLE_TICKS):
    wait_for("the daemon to settle", lambda: daemon.get("/api/v1/status")["ticks"] > ticks, 180)


def quiet(period):
    return f"[Daemon]\nSlowPeriod={period}\n[Probe]\nEnable=no\n[HTTP]\nListen=off\n"


def crowd(count):
    target = TARGETS[count]
    idle = []
    try:
        for _ in range(count):
            idle.append(subprocess.Popen([BUILD / "bench" / "bench_idle"], close_fds=False))
        pids = [process.pid for process in idle]
        with Daemon(config=quiet("5m")) as daemon:
            settle(daemon)
            say_cost("fast_and_store", count, measure(daemon, pids),
                     target_ratio=target["ratio"], target_percent=target["percent"])
        with Daemon(config=quiet("10s")) as daemon:
            settle(daemon)
            say_cost("with_slow_pass", count, measure(daemon, pids))
        with Daemon(config="[HTTP]\nListen=off\n") as daemon:
            settle(daemon, DEEP_TICKS)
            say_cost("everything", count, measure(daemon, pids),
                     target_percent=target["everything"])
            each = {str(pid): round(own_mebibytes([pid]), 2) for pid in roles(daemon)}
            say("own_memory", processes=count, mebibytes=round(sum(each.values()), 2),
                roles=list(each.values()), target_mebibytes=target["mebibytes"])
    finally:
        for process in idle:
            process.kill()
        for process in idle:
            process.wait()


def buckets(daemon):
    """[(bound in seconds, ticks up to it)] of the histogram."""
    text = daemon.ask("GET", "/metrics")[1].decode()
    found = re.findall(r'^memtend_tick_lateness_seconds_bucket\{le="([^"]+)"\} (\d+)', text, re.M)
    return [(float(bound.replace("+Inf", "inf")), int(count)) for bound, count in found]


FORKS = f"""
import os, time
due = time.monotonic()
while True:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    due = max(due + 1 / {LATE_FORKS}, time.monotonic() - 1)
    time.sleep(max(0, due - time.monotonic()))
"""


def started():
    text = pathlib.Path("/proc/stat").read_text(encoding="ascii")
    return int(re.search(r"^processes (\d+)", text, re.M).group(1))


def lateness():
    python = [sys.executable, "-S", "-E", "-c"]
    disturb = [[*python, FORKS], [*python, "while True: pass"], [*python, "while True: pass"]]
    running = []
    try:
        with Daemon(config="[Daemon]\nTick=200ms\n[HTTP]\nListen=off\n") as daemon:
            settle(daemon)
            running = [subprocess.Popen(command) for command in disturb]
            before, forks, begun = buckets(daemon), started(), time.monotonic()
            wait_for("ticks under load", lambda: buckets(daemon)[-1][1] - before[-1][1]
                     >= LATE_TICKS, 120, every=1)
            after, seconds = buckets(daemon), time.monotonic() - begun
            ticks = after[-1][1] - before[-1][1]
            counts = [(bound, now - then)
                      for (bound, now), (_, then) in zip(after, before)]
            p99 = next(bound for bound, count in counts if count >= 0.99 * ticks)
            in_time = next(count for bound, count in counts if bound == LATE_TARGET)
            say("lateness", ticks=ticks, p99_seconds_at_most=p99 if p99 < 10 else None,
                percent_within_5_ms=round(100 * in_time / ticks, 1),
                forks_per_second=round((started() - forks) / seconds),
                target_p99_seconds=LATE_TARGET)
    finally:
        for process in running:
            process.kill()
        for process in running:
            process.wait()


for part in PARTS:
    if part == "lateness":
        lateness()
    elif part in ("1000", "10000"):
        crowd(int(part))
    else:
        sys.exit(f"no part {part}; there are: 1000, 10000, lateness")
