#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long a watched program waits for us.

usage: bench_stall.py BUILD-DIRECTORY [MIB...]

A thread of a program with 512 MiB, and with 1 GiB, of 4 KiB pages maps, touches and unmaps without
end (bench_prober.c). In turns: nobody looks; a daemon watches, is asked for the layers of the
program every two seconds, and has every reason to look closer, since the memory moves; and, as the
anchor, smaps_rollup is read once a second, as monitors do that show PSS. Told are the slowest 1 %
of all turns, of the slowest turns of each 100 ms, and the slowest of all, by the medians of the
rounds. Target: <= 10 ms added to the p99 of the slowest turns.
"""
import json
import os
import pathlib
import subprocess
import sys
import time

BUILD = pathlib.Path(sys.argv[1]).resolve()
SIZES = [int(size) for size in sys.argv[2:]] or [512, 1024]
os.environ["MEMTEND_BUILD"] = str(BUILD)
sys.argv = sys.argv[:1]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "e2e"))
from house import Daemon, wait_for  # noqa: E402  the tests' own way to start a daemon

ROUNDS = 3
SECONDS = 6
WATCHED_SECONDS = 12


class Prober:
    def __init__(self, mib):
        self.process = subprocess.Popen([str(BUILD / "bench" / "bench_prober"), str(mib)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def during(self, seconds, every, act):
        """Turns while act() is called each so many seconds."""
        self.process.stdin.write("begin\n")
        self.process.stdin.flush()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            act()
            time.sleep(every)
        self.process.stdin.write("end\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def nothing():
    pass


def without(prober):
    return prober.during(SECONDS, 1, nothing)


def rollup(prober):
    path = pathlib.Path("/proc", str(prober.pid), "smaps_rollup")
    return prober.during(SECONDS, 1, path.read_bytes)


def watched(prober, readings):
    with Daemon(config="") as daemon:
        target = wait_for("the prober", lambda: daemon.process_of(prober.pid), 60)
        before = daemon.get("/api/v1/status")["probe"]["deep_seconds_total"]
        turns = prober.during(WATCHED_SECONDS, 2,
                              lambda: readings.append(daemon.get(
                                  "/api/v1/processes/%s/ledger" % target["id"])["whole"]))
        after = daemon.get("/api/v1/status")["probe"]["deep_seconds_total"]
        now = daemon.process_of(prober.pid)
        return turns, after - before, now


def median(values):
    return sorted(values)[len(values) // 2]


def measure(mib):
    rounds, readings, deep, last = [], [], [], {}
    with Prober(mib) as prober:
        for _ in range(ROUNDS):
            quiet, naive = without(prober), rollup(prober)
            turns, seconds, last = watched(prober, readings)
            deep.append(seconds)
            rounds.append((quiet, turns, naive))
    line = {"bench": "stall", "figure": "map_and_unmap", "mib": mib, "rounds": ROUNDS}
    for index, name in enumerate(("without", "watched", "rollup")):
        for key in ("p99_usec", "window_p99_usec", "max_usec"):
            line["%s_%s" % (name, key)] = median([turn[index][key] for turn in rounds])
    line["added_window_p99_usec"] = median(
        [max(0, turn[1]["window_p99_usec"] - turn[0]["window_p99_usec"]) for turn in rounds])
    line["target_added_usec"] = 10000
    line["deep_read_percent_of_core"] = round(100 * median(deep) / WATCHED_SECONDS, 3)
    line["questions"], line["with_layers"] = len(readings), sum(readings)
    line["pss"] = "read" if "pss_bytes" in last else last.get("pss_absent")
    line["uss"] = "read" if "uss_bytes" in last else last.get("uss_absent")
    print(json.dumps(line), flush=True)


for size in SIZES:
    measure(size)
