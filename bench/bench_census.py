#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long a census holds a program with a million objects, on every Python found. The anchor is
len(gc.get_objects()) in the same program, turn by turn with the censuses.

usage: bench_census.py BUILD-DIRECTORY

Prints one JSON line per interpreter, mode and program; milliseconds.
  heap     a million dicts and lists under one global list, the standard library's larger modules
           loaded: what a service looks like to a walk from sys.modules
  modules  a million objects spread over ten thousand named containers in two hundred modules: more
           than a walk can see in its time
"""
import json
import os
import pathlib
import statistics
import sys

BUILD = pathlib.Path(sys.argv[1]).resolve()
os.environ["MEMTEND_AGENT"] = str(BUILD / "lib" / "libmemtend-agent.so")
ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "agent"))
from host import Host, Place, interpreters, script  # noqa: E402  the tests' own ways

TURNS = {"roots": 30, "suspects": 30, "full": 5}
TARGET = {"roots": "median <= 5 ms", "suspects": "median <= 5 ms",
          "full": "<= 3 times the anchor"}

TEXT = """if 1:
    import gc, sys, types
    from timeit import default_timer as clock
    for name in ("json", "logging.handlers", "unittest", "xml.dom.minidom", "email.mime.text",
                 "asyncio", "concurrent.futures", "sqlite3", "decimal", "http.client", "ssl"):
        try:
            __import__(name)
        except ImportError:
            pass
    gc.disable()
    if %d:
        rows = [{"id": i, "tags": [i]} for i in range(500000)]
    else:
        for i in range(200):
            module = types.ModuleType("app%%d" %% i)
            sys.modules[module.__name__] = module
            for j in range(50):
                setattr(module, "table%%d" %% j, [[k] for k in range(100)])
    gc.enable()
    while sys.stdin.readline():
        begin = clock()
        count = len(gc.get_objects())
        print(count, (clock() - begin) * 1000)
        sys.stdout.flush()"""


def anchor(host):
    host.go()
    return float(host.line().strip("()").replace(",", " ").split()[1])


def measure(interpreter, program, flag):
    with Place() as place:
        host = Host(place.daemon, script(interpreter, TEXT % flag))
        try:
            session = place.daemon.session(host.pid)
            anchors = [anchor(host) for _ in range(3)]
            session.wait_ready()
            for mode, turns in TURNS.items():
                ends = []
                for turn in range(turns):
                    if turn % 10 == 0:
                        anchors.append(anchor(host))
                    ends.append(session.census(mode, max_objects=10 ** 9)[1])
                say(interpreter, program, mode, ends, anchors)
        finally:
            host.kill()


def say(interpreter, program, mode, ends, anchors):
    holds = sorted(end["hold_usec"] / 1000 for end in ends)
    base = statistics.median(anchors)
    print(json.dumps({
        "bench": "census", "figure": "hold", "python": interpreter.label, "program": program,
        "mode": mode, "median_ms": round(statistics.median(holds), 2),
        "worst_ms": round(holds[-1], 2), "objects": ends[0]["objects"],
        "truncated": sum(end["truncated"] for end in ends), "turns": len(ends),
        "gc_get_objects_ms": round(base, 2),
        "ratio": round(statistics.median(holds) / base, 2), "target": TARGET[mode]}), flush=True)


def main():
    for interpreter in interpreters():
        for flag, program in ((1, "heap"), (0, "modules")):
            measure(interpreter, program, flag)


if __name__ == "__main__":
    main()
