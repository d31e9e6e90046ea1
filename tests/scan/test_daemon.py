#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A real daemon and its probe count the pools of Python processes that have no agent."""
import contextlib
import os
import pathlib
import sys

from truth import HERE, Target, check, compare_told, told

sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent / "agent")]
from host import interpreters  # noqa: E402
import house  # noqa: E402
from house import Daemon, run, skip, wait_for  # noqa: E402

TARGET = HERE / "target.py"
# All the interpreters at once are more than the budget of a quiet service gives in a few seconds.
FAST = house.FAST + "[Probe]\nDeepBudget=10%\n"
NOBODY = 65534


def pools_of(daemon, pid):
    process = daemon.process_of(pid)
    return process if process and "py_used_bytes" in process else None


def compare(daemon, interpreter, target):
    process = wait_for(interpreter.label, lambda: pools_of(daemon, target.pid))
    size = 16384 if interpreter.version >= (3, 10) else 4096
    free = process["py_free_bytes"] // size
    check(process["py_free_bytes"] % size == 0, process)
    check(process["py_coverage_percent"] == 100, process)
    check(process["py_used_bytes"] > 1 << 20, process)
    if not target.said:
        return
    truth = told(target.said)
    compare_told({"used_bytes": process["py_used_bytes"],
                  "pinned_bytes": process["py_pinned_bytes"], "free_pools": free,
                  "used_pools": process["py_pools"] - free, "blocks": truth["blocks"]}, truth)


def test_every_interpreter():
    with contextlib.ExitStack() as stack:
        targets = [(interpreter, stack.enter_context(Target([interpreter.path, TARGET, "threads"])))
                   for interpreter in interpreters()]
        daemon = stack.enter_context(Daemon(config=FAST))
        for interpreter, target in targets:
            compare(daemon, interpreter, target)


def test_rule_and_history():
    rule = r"""
rule pinned for each process where cmdline ~ "target\.py":
  when py.used > 1 MiB
  then trim
"""
    with Daemon(rules=rule, config=FAST) as daemon, Target([sys.executable, TARGET, "mixed"]) as target:
        wait_for("the rule", lambda: daemon.events("rule_would_fire"))
        process = pools_of(daemon, target.pid)
        wait_for("its age", lambda: "py_used_age_seconds" in daemon.process_of(target.pid))
        path = f"/api/v1/series?target=pid:{target.pid}&metric=py.used,py.pinned&points=10"

        def stored():
            series = daemon.get(path)["series"]
            return len(series) == 2 and [p for p in series[0]["points"] if p[1] is not None]
        points = wait_for("a stored value", stored)
        check(points[-1][1] == process["py_used_bytes"], points, process)


def settled(daemon, pid):
    """The daemon has known it for longer than it takes to have a first turn."""
    process = daemon.process_of(pid)
    return process if process and process["age_seconds"] > 6 else None


def as_nobody():
    if os.geteuid() != 0:
        skip("only root can start a process of another user")
    if not os.access("/usr/bin/python3", os.X_OK):
        skip("no /usr/bin/python3")
    script = ("import os; os.setgid(%d); os.setuid(%d); os.execv('/usr/bin/python3', "
              "['python3', '-c', %r, 'mixed'])" % (NOBODY, NOBODY, pathlib.Path(TARGET).read_text()))
    return Target(["/usr/bin/python3", "-c", script])


def test_left_alone():
    """All by a switched-off daemon, other users by any; at the same time, for both take a while."""
    with Daemon(config=FAST + "OutsideScan=off\n") as off, Daemon(config=FAST) as daemon, \
            Target([sys.executable, TARGET, "threads"]) as ours, as_nobody() as theirs:
        for one, pid, uid in ((off, ours.pid, os.geteuid()), (daemon, theirs.pid, NOBODY)):
            process = wait_for("its age", lambda one=one, pid=pid: settled(one, pid))
            check(process["uid"] == uid and "py_used_bytes" not in process, process)


def test_all_users():
    with Daemon(config=FAST + "OutsideScan=all\n") as daemon, as_nobody() as target:
        process = wait_for("its pools", lambda: pools_of(daemon, target.pid))
        check(process["uid"] == NOBODY and process["py_used_bytes"] > 1 << 20, process)


def test_another_program_loses_the_numbers():
    script = "import os; x = ['a%d' % i for i in range(99999)]; os.write(1, b'ready\\n'); " \
             "os.read(0, 1); os.execv('/bin/sleep', ['sleep', '60'])"
    with Target([sys.executable, "-c", script]) as target, Daemon(config=FAST) as daemon:
        wait_for("its pools", lambda: pools_of(daemon, target.pid))
        target.process.stdin.write(b"x")
        target.process.stdin.flush()
        wait_for("the exec", lambda: daemon.process_of(target.pid)["comm"] == "sleep")
        wait_for("them to be gone", lambda: not pools_of(daemon, target.pid))


run([value for name, value in list(globals().items()) if name.startswith("test_")])
