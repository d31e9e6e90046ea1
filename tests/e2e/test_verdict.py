#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs whose memory has one known cause, with and without an agent: the verdict names it, or
says that it does not know, and never another one. And every process of this machine: the lines of
its ledger sum to its RSS."""
import contextlib
import os
import signal
import subprocess
import sys

from house import (FAST, MIB, Daemon, Program, children, near, rollup, run, status_bytes, wait_for,
                   wait_idle)

# Many processes and many questions at a time: pools shall be counted soon all the same.
EAGER = "[Probe]\nDeepBudget=10%\n"
SIZE = 44  # MiB: far more than what an interpreter has anyway

# name in holders.py: the cause with an agent, and without one
WORKLOADS = {
    "kept": ("malloc_keeps", "unknown"),
    "cycles": ("uncollected", "python_objects"),
    "saveall": ("garbage_kept", "python_objects"),
    "live": ("python_objects", "python_objects"),
    "live_off": ("uncollected", "python_objects"),
    "pinned": ("pools_pinned", "pools_pinned"),
    "buffer": ("python_objects", "large_mapping"),
    "mapping": ("large_mapping", "large_mapping"),
    "shm": ("shmem", "shmem"),
    "file": ("files", "files"),
    "threads": ("stacks", "stacks"),
    "master": ("family_shared", "family_shared"),
    "copied": ("copied", "copied"),
}
# What may be said on the way there: the worker shares until it copies, and what it has copied is
# objects in use until its private memory has been read.
ON_THE_WAY = {"copied": {"family_shared", "python_objects"}}
STEPS = {"malloc_keeps": "trim", "uncollected": "free", "pools_pinned": "recycle",
         "copied": "freeze"}


def ledger(daemon, pid):
    return daemon.ask("GET", f"/api/v1/processes/pid:{pid}/ledger")


def check_sum(answer):
    lines = answer["layers"]
    assert all(line["bytes"] >= 0 and line["what"] for line in lines), answer
    assert len({line["layer"] for line in lines}) == len(lines), answer
    assert sum(line["bytes"] for line in lines) == answer["rss_bytes"], answer
    assert answer["whole"] == (answer["missing"] is None), answer


def watched(program, name):
    """The process that the row is about: the worker, where there is one."""
    if name not in ("master", "copied"):
        return program.pid
    return wait_for(f"the worker of {name}", lambda: children(program.pid))[0]


def set_off(daemon, name, pid):
    """The worker copies when it has been seen: what it had before is what counts."""
    wait_for(f"{name} at the daemon", lambda: daemon.process_of(pid))
    if name == "copied":
        wait_for("its USS", lambda: "uss_bytes" in daemon.process_of(pid))
        os.kill(pid, signal.SIGUSR1)


def follow(daemon, name, pid, expected):
    """Ask until the expected verdict comes; what is said before must not be wrong."""
    allowed = {expected, "unknown"} | ON_THE_WAY.get(name, set())

    def look():
        verdict = daemon.get(f"/api/v1/processes/pid:{pid}/verdict")
        assert verdict["cause"] in allowed, (name, verdict)
        assert (verdict["cause"] == "unknown") == (verdict["confidence"] == "unknown"), verdict
        return verdict if verdict["cause"] == expected else None
    return wait_for(f"the verdict {expected} on {name}", look, seconds=90, every=0.5)


def check_verdict(verdict):
    assert verdict["whole"] and verdict["sentence"] and verdict["cannot"], verdict
    assert len(verdict["evidence"]) <= 4, verdict
    assert verdict["step"] == STEPS.get(verdict["cause"], "none"), verdict
    if verdict["step"] in ("trim", "free"):
        low, high = verdict["predicted_bytes"]
        assert 0 <= low <= high <= verdict["rss_bytes"], verdict
        assert high >= SIZE * MIB / 2, verdict
    if verdict["cause"] != "unknown":
        assert verdict["bytes"] >= SIZE * MIB / 2, verdict


def check_workloads(agent):
    with contextlib.ExitStack() as stack:
        daemon = stack.enter_context(Daemon(config=FAST + EAGER))
        programs = {name: stack.enter_context(Program(daemon, "holders.py", name, SIZE,
                                                      agent=agent)) for name in WORKLOADS}
        for name, program in programs.items():
            if agent:
                daemon.wait_agent(program.pid)
            pid = watched(program, name)
            wait_for(f"memory in {name}",
                     lambda pid=pid: status_bytes(pid, "VmRSS") > 34 * MIB)
            wait_idle(pid)
            set_off(daemon, name, pid)
            verdict = follow(daemon, name, pid, WORKLOADS[name][0 if agent else 1])
            check_verdict(verdict)
            status, answer = ledger(daemon, pid)
            assert status == 200, answer
            check_sum(answer)
            assert near(answer["rss_bytes"], rollup(pid)["Rss"]), (name, answer)
            print(f"{name}: {verdict['confidence']}: {verdict['sentence']}")


def test_causes_with_an_agent():
    check_workloads(agent=True)


def test_causes_without_an_agent():
    check_workloads(agent=False)


def test_what_a_trim_returns_is_what_the_verdict_said():
    with Daemon() as daemon, Program(daemon, "holders.py", "kept", SIZE) as program:
        daemon.wait_agent(program.pid)
        wait_idle(program.pid)
        verdict = follow(daemon, "kept", program.pid, "malloc_keeps")
        assert verdict["next"] == f"memtend trim {program.pid}", verdict
        status, receipt = daemon.act(f"pid:{program.pid}", "trim")
        assert status == 200 and receipt["outcome"] == "freed", receipt
        low, high = verdict["predicted_bytes"]
        assert low - MIB <= receipt["freed_bytes"] <= high + MIB, (verdict, receipt)
        after = daemon.get(f"/api/v1/processes/pid:{program.pid}/verdict")
        assert after["cause"] == "small", after


def test_ledgers_of_this_machine_sum():
    with Daemon() as daemon:
        wait_for("processes", lambda: daemon.get("/api/v1/status")["processes"] > 1)
        whole = 0
        for process in daemon.get("/api/v1/processes?limit=1000")["items"]:
            status, answer = daemon.ask("GET", f"/api/v1/processes/{process['id']}/ledger")
            assert status in (200, 404), (status, answer)
            if status == 200:
                check_sum(answer)
                whole += answer["whole"]
        assert whole > 0
        print(f"{whole} whole ledgers")


GROWING = """
import mmap, sys
first = b"x" * (32 << 20)
print(flush=True)
sys.stdin.readline()
m = mmap.mmap(-1, 64 << 20)
m.write(b"x" * (64 << 20))
print(flush=True)
sys.stdin.readline()
"""


def test_growth_is_told_with_its_layer():
    """By what the daemon has in memory: nothing is stored, and nobody looked in between."""
    with Daemon() as daemon, subprocess.Popen([sys.executable, "-c", GROWING], text=True,
                                              stdin=subprocess.PIPE,
                                              stdout=subprocess.PIPE) as process:
        try:
            process.stdout.readline()
            wait_for("the process", lambda: daemon.process_of(process.pid))
            path = f"/api/v1/processes/pid:{process.pid}/verdict"
            wait_for("its mappings", lambda: daemon.get(path)["whole"])
            process.stdin.write("\n")
            process.stdin.flush()
            process.stdout.readline()

            def look():
                lines = daemon.get(path)["evidence"]
                return [line for line in lines if line.startswith("grown by ")
                        and "most of it in shared memory" in line]
            line, = wait_for("its growth", look, seconds=60, every=0.5)
            assert 60 < float(line.split()[2]) < 70 and line.split()[3] == "MiB", line
            print(line)
        finally:
            process.kill()


def test_what_cannot_be_asked():
    with Daemon() as daemon:
        for what in ("ledger", "verdict"):
            assert daemon.ask("GET", f"/api/v1/processes/1-1/{what}")[0] == 404
            assert daemon.ask("GET", f"/api/v1/processes/host/{what}")[0] == 422
            assert daemon.ask("GET", f"/api/v1/processes/pid:1/{what}?x=1")[0] == 422
            assert daemon.ask("POST", f"/api/v1/processes/pid:1/{what}")[0] == 405


if __name__ == "__main__":
    run([test_causes_with_an_agent, test_causes_without_an_agent,
         test_what_a_trim_returns_is_what_the_verdict_said, test_ledgers_of_this_machine_sum,
         test_growth_is_told_with_its_layer, test_what_cannot_be_asked])
