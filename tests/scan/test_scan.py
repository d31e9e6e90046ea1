#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_scan.py interpreters|adversaries|restless: scans from outside beside what is true.

interpreters  every Python that is installed: equal to what the interpreter itself says
adversaries   programs with memory that looks like pools: nothing is found
restless      processes that change, die or may not be read while they are scanned
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import arenas
from truth import DEADLINE, HERE, Target, check, compare_told, told

sys.path.insert(0, str(HERE.parent / "agent"))
from host import interpreters  # noqa: E402

TOOLS = pathlib.Path(os.environ["MEMTEND_BUILD"]) / "tests"
SKIP = 77


def scan(pid, pool_bytes=None):
    command = [str(TOOLS / "scan_pools"), str(pid)] + ([str(pool_bytes)] if pool_bytes else [])
    result = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert result.returncode in (0, 1), result
    return json.loads(result.stdout)


def expected_pool_bytes(interpreter):
    return 16384 if interpreter.version >= (3, 10) else 4096


def compare(interpreter, workload, command, **env):
    """0 to 2: by how many truths the scan was judged."""
    with Target(command, **env) as target:
        pid = target.children()[0] if workload == "forked" else target.pid
        target.wait_asleep(pid)
        found = scan(pid)
        check(found["error"] == "" and found["pool_bytes"] == expected_pool_bytes(interpreter),
              found)
        check((found["major"], found["minor"]) in (interpreter.version[:2], (0, 0)), found)
        check(found["missed_places"] == 0 and found["swapped_places"] == 0, found)
        check(found["free_bytes"] == found["free_pools"] * found["pool_bytes"], found)
        judged = 0
        if target.said and workload != "forked":
            compare_told(found, told(target.said))
            judged += 1
        truth = arenas.walk(pid, found["pool_bytes"])
        if truth:
            check(truth == {key: found[key] for key in truth}, workload, found, truth)
            judged += 1
        return judged


def test_interpreters():
    """Equal to _debugmallocstats but for the last call, to the interpreter's own table exactly."""
    for interpreter in interpreters():
        judged = [compare(interpreter, workload, [interpreter.path, HERE / "target.py", workload])
                  for workload in ("mixed", "threads", "data", "forked")]
        check(all(judged[:3]), interpreter.label, "nothing to compare with", judged)
        if interpreter.version >= (3, 6):
            command = [interpreter.path, HERE / "target.py", "mixed"]
            judged.append(compare(interpreter, "mixed", command, PYTHONMALLOC="pymalloc_debug"))
            with Target(command, PYTHONMALLOC="malloc") as target:
                found = scan(target.pid)
                check(found["error"] == "" and found["used_pools"] == 0, interpreter.label, found)
        print("CPython %-16s %d comparisons" % (interpreter.label, sum(judged)), flush=True)


def test_names():
    """By a link of another name, as in a virtual environment; by a name that tells nothing."""
    interpreter = interpreters()[-1]
    real = os.path.realpath(interpreter.path)
    with tempfile.TemporaryDirectory() as folder:
        venv = pathlib.Path(folder, "worker")
        venv.symlink_to(interpreter.path)
        env = {"PYTHONHOME": str(pathlib.Path(real).parent.parent)}
        check(compare(interpreter, "mixed", [venv, HERE / "target.py", "mixed"], **env))
    with subprocess.Popen(["sleep", "60"]) as other:
        try:
            check(scan(other.pid)["error"] == "ENOEXEC", "sleep is taken for Python")
        finally:
            other.kill()


def test_adversaries():
    for what in ("random", "forged", "pages", "maps"):
        with tempfile.TemporaryDirectory() as folder:
            with Target([TOOLS / "lookalike", what, pathlib.Path(folder, "file")]) as target:
                check(scan(target.pid)["error"] == "ENOEXEC", what)
                for pool_bytes in (4096, 16384):
                    found = scan(target.pid, pool_bytes)
                    check(found["error"] == "" and found["used_pools"] + found["free_pools"] == 0,
                          what, found)
                    check(what == "maps" or found["read_places"] > 1000, what, found)
        print(what, "nothing found", flush=True)


def test_churn():
    """No garbage: the live set is constant, what is found may lag by what changes meanwhile."""
    for interpreter in interpreters()[::3]:
        with Target([interpreter.path, HERE / "target.py", "mixed"]) as still:
            constant = scan(still.pid)["used_bytes"]
        with Target([interpreter.path, HERE / "target.py", "churn"]) as target:
            for _ in range(10):
                found = scan(target.pid)
                check(found["error"] == "", interpreter.label, found)
                check(0 < found["used_bytes"] < 2 * constant, interpreter.label, found, constant)


def test_deaths():
    """Killed at some moment of the scan: an error or a part, never a hang."""
    interpreter = interpreters()[-1]
    for number in range(8):
        with Target([interpreter.path, HERE / "target.py", "mixed"]) as target:
            scanner = subprocess.Popen([str(TOOLS / "scan_pools"), str(target.pid)],
                                       stdout=subprocess.PIPE)
            time.sleep(number * 0.001)  # which moment it is does not matter
            target.process.kill()
            out = scanner.communicate(timeout=DEADLINE)[0]
            check(json.loads(out)["error"] in ("", "ENODATA", "EIO"), out)


def test_refused():
    """Another user's process: the right that is missing is told apart."""
    if os.geteuid() != 0:
        print("SKIP: only root can try to be another user")
        return
    interpreter = next(one for one in interpreters() if one.path == "/usr/bin/python3")
    with Target([interpreter.path, HERE / "target.py", "mixed"]) as target:
        def become_nobody():
            os.setgid(65534)
            os.setuid(65534)
        out = subprocess.run([str(TOOLS / "scan_pools"), str(target.pid)], capture_output=True,
                             preexec_fn=become_nobody, timeout=DEADLINE, check=False)
        if not out.stdout:
            print("SKIP: nobody cannot reach the build directory")
            return
        check(json.loads(out.stdout)["error"] == "EPERM", out.stdout)


PARTS = {"interpreters": (test_interpreters, test_names), "adversaries": (test_adversaries,),
         "restless": (test_churn, test_deaths, test_refused)}

if not (TOOLS / "scan_pools").exists():
    print("SKIP: scan_pools is not built here")
    sys.exit(SKIP)
for part in PARTS[sys.argv[1]]:
    begun = time.monotonic()
    part()
    print("%s passed in %.1f s" % (part.__name__, time.monotonic() - begun), flush=True)
