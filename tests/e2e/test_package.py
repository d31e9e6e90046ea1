#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A program that starts its agent itself, marks its work and drops its cache when it is asked."""
import os
import re

from house import (BUILD, MIB, ROOT, Daemon, Program, near, rollup, run, status_bytes, wait_for,
                   wait_idle)

# The daemon's directory is in the environment of every program here, as it is for a user's daemon.
os.environ["PYTHONPATH"] = str(ROOT / "python")
os.environ["MEMTEND_LIBRARY"] = str(BUILD / "lib" / "libmemtend-agent.so")

RULE = """
rule drop-caches for each process where name = "caches":
  when rss > 100 MiB
  then hooks, trim
  at most once per 1m
  armed
"""


def hooked(daemon, *arguments):
    return Program(daemon, "caches.py", *arguments, agent=False)


def filled(program, mib):
    wait_for("the cache", lambda: status_bytes(program.pid, "VmRSS") > mib * MIB)


def test_regions_are_in_the_timeline():
    with Daemon() as daemon, hooked(daemon, 1) as program:
        process = daemon.wait_agent(program.pid)
        assert process["name"] == "caches", process
        event = wait_for("a region", lambda: daemon.events("region"))[0]
        took = re.fullmatch(r"batch took (\d+) ms", event["text"])
        assert took and int(took[1]) >= 50, event
        assert event["target"] == process["id"], event
        listed = daemon.memtend("events").stdout
        assert "region" in listed and "batch took" in listed, listed


def test_a_flood_does_not_bury_the_timeline():
    with Daemon() as daemon, hooked(daemon, 1, "flood") as program:
        daemon.wait_agent(program.pid)
        wait_for("what was left out", lambda: [event for event in daemon.events("region")
                                               if "were left out" in event["text"]])
        assert len(daemon.events("region")) < 30, daemon.events("region")
        assert daemon.process_of(program.pid)["agent"]["state"] == "ready"


def test_an_action_with_hooks_frees_and_proves_it():
    with Daemon() as daemon, hooked(daemon, 150) as program:
        filled(program, 150)
        daemon.wait_agent(program.pid)
        wait_idle(program.pid)
        before = rollup(program.pid)
        status, receipt = daemon.act(f"pid:{program.pid}", "hooks", "collect", "trim")
        assert status == 200 and receipt["outcome"] == "freed", receipt
        after = rollup(program.pid)
        hooks = receipt["steps"][0]
        assert hooks["step"] == "hooks" and hooks["objects"] == 2, receipt
        assert hooks["pause_seconds"] >= 0 and "raised" in hooks["note"], receipt
        assert [step["step"] for step in receipt["steps"]] == ["hooks", "collect", "trim"], receipt
        assert receipt["freed_bytes"] > 120 * MIB, receipt
        assert near(receipt["freed_bytes"], before["uss"] - after["uss"]), (receipt, before, after)
        low, high = receipt["predicted_bytes"]
        assert low <= receipt["freed_bytes"] <= high, receipt
        shown = daemon.memtend("receipts", receipt["id"]).stdout
        assert "hooks" in shown, shown


def test_a_rule_asks_for_hooks():
    with Daemon(rules=RULE) as daemon, hooked(daemon, 150) as program:
        receipt = wait_for("a receipt", lambda: [one for one in daemon.receipts("drop-caches")
                                                 if one.get("outcome")])[0]
        assert receipt["outcome"] == "freed", receipt
        assert status_bytes(program.pid, "VmRSS") < 100 * MIB


def test_a_program_without_hooks_has_none_to_call():
    with Daemon() as daemon, Program(daemon, "cycles.py", 20) as program:
        daemon.wait_agent(program.pid)
        _, receipt = daemon.act(f"pid:{program.pid}", "hooks")
        assert receipt["outcome"] == "refused" and "objects" not in receipt["steps"][0], receipt


run([value for name, value in list(globals().items()) if name.startswith("test_")])
