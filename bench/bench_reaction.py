#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""From a threshold crossed to the step that answers it, seen by the target itself.

usage: bench_reaction.py BUILD-DIRECTORY [ROUNDS]

The program notes when it crossed the threshold and when its collection began; between the two lie
the rest of the tick, the rule, the measurement before the step and the way to the agent.
Target: <= 1 tick + 50 ms. Anchor: earlyoom polls each 100 ms at best, so it reacts within 100 ms;
a tick of 1 s is our choice of cost.
"""
import json
import os
import pathlib
import sys
import tempfile

BUILD = pathlib.Path(sys.argv[1]).resolve()
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 10
os.environ["MEMTEND_BUILD"] = str(BUILD)
sys.argv = sys.argv[:1]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "e2e"))
from house import Daemon, Program, wait_for  # noqa: E402  the tests' own way to start a daemon

RULES = """
rule react for each process where cmdline ~ "late_cycles\\.py":
  when rss > 80 MiB
  then collect
  at most once per 1s
  armed
"""
CONFIG = "[Actions]\nPerMinute=600\nGrace=0s\n"


def main():
    with tempfile.TemporaryDirectory() as folder, Daemon(rules=RULES, config=CONFIG) as daemon:
        path = pathlib.Path(folder, "times")
        path.touch()
        with Program(daemon, "late_cycles.py", path, ROUNDS, 100):
            wait_for("all rounds", lambda: len(path.read_text().splitlines()) == ROUNDS,
                     ROUNDS * 10)
        times = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
        delays = sorted(float(collected) - float(crossed) for crossed, collected in times[1:])
        tick = daemon.get("/api/v1/status")["tick_seconds"]
        print(json.dumps({"bench": "reaction", "figure": "threshold_to_step", "rounds": len(delays),
                          "median_seconds": round(delays[len(delays) // 2], 3),
                          "max_seconds": round(delays[-1], 3), "tick_seconds": tick,
                          "target_seconds": tick + 0.05}), flush=True)


main()
