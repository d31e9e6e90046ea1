#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Watch, cross a threshold, clean up, prove it: the whole loop on real Python processes."""
import os
import signal
import time

from house import (MIB, Daemon, Program, children, near, rollup, run, status_bytes, wait_for,
                   wait_idle)

# The name reaches only the daemon that the program's agent talks to: what other tests run beside
# this one is none of its business.
NAME = "looped"
CYCLES = f"""
rule collect-cycles for each process where cmdline ~ "cycles\\.py" and name = "{NAME}":
  when rss > 100 MiB
  then collect, trim
  at most once per 1m
  armed
"""


def finished(receipts):
    return [receipt for receipt in receipts if receipt.get("outcome")]


def test_threshold_fires_and_frees():
    rules = CYCLES.replace("100 MiB", "150 MiB for 1s")  # when they are built, not meanwhile
    with Daemon(rules=rules) as daemon, Program(daemon, "cycles.py", 150, name=NAME) as program:
        wait_for("the cycles", lambda: status_bytes(program.pid, "VmRSS") > 130 * MIB)
        receipt = wait_for("a receipt", lambda: finished(daemon.receipts("collect-cycles")))[0]
        assert receipt["outcome"] == "freed", receipt
        assert receipt["basis"] == "uss", receipt
        assert receipt["rss_after_bytes"] <= 0.2 * receipt["rss_before_bytes"], receipt
        first, last = receipt["steps"][0], receipt["steps"][-1]
        assert first["step"] == "collect" and first["objects"] >= 100_000, first
        assert last["uss_after_bytes"] <= 0.2 * first["uss_before_bytes"], receipt
        now = rollup(program.pid)
        assert near(now["Rss"], receipt["rss_after_bytes"]), (now, receipt)
        assert near(now["uss"], last["uss_after_bytes"]), (now, receipt)
        wait_for("the events on disk", lambda: {"start", "hello", "rule_fired", "receipt"}
                 <= {event["kind"] for event in daemon.events()})
        wait_for("the receipt to be durable",
                 lambda: daemon.get(f"/api/v1/actions/{receipt['id']}")["durable"])


def test_dry_run_by_default():
    rules = CYCLES.replace("  armed\n", "")
    with Daemon(rules=rules) as daemon, Program(daemon, "cycles.py", 120, name=NAME) as program:
        wait_for("what it would have done", lambda: daemon.events("rule_would_fire"))
        assert not daemon.receipts("collect-cycles")
        assert status_bytes(program.pid, "VmRSS") > 100 * MIB


def test_person_frees_thread_buffers():
    with Daemon() as daemon, Program(daemon, "thread_buffers.py", 150) as program:
        daemon.wait_agent(program.pid)
        wait_for("the buffers", lambda: status_bytes(program.pid, "VmRSS") > 120 * MIB)
        wait_idle(program.pid)
        before = rollup(program.pid)
        status, receipt = daemon.act(f"pid:{program.pid}", "trim")
        assert status == 200 and receipt["outcome"] == "freed", receipt
        after = rollup(program.pid)
        assert near(receipt["freed_bytes"], before["uss"] - after["uss"]), (receipt, before, after)
        assert receipt["freed_bytes"] > 100 * MIB, receipt


def test_live_data_is_left_alone():
    with Daemon() as daemon, Program(daemon, "growing_dict.py", 60) as program:
        daemon.wait_agent(program.pid)
        wait_idle(program.pid)
        status, receipt = daemon.act(f"pid:{program.pid}", "collect", "trim")
        assert status == 200 and receipt["outcome"] == "freed_nothing", receipt


def test_a_step_that_never_helps_is_left_out():
    rules = (f'rule vain for each process where name = "{NAME}":\n'
             '  when rss > 100 MiB then trim at most once per 1s armed\n')
    with Daemon(rules=rules) as daemon, Program(daemon, "growing_dict.py", 120, name=NAME) as program:
        def backed_off():
            return [one for one in finished(daemon.receipts("vain"))
                    if one["outcome"] == "backed_off"]
        receipt = wait_for("a trim that is left out", backed_off)[0]
        assert "gave nothing back the last 2 times" in receipt["note"], receipt
        assert receipt["steps"][0]["outcome"] == "backed_off", receipt
        tried = [one for one in finished(daemon.receipts("vain")) if one not in backed_off()]
        assert len(tried) >= 2 and tried[0]["outcome"] == "freed_nothing", tried
        # A person may all the same.
        status, receipt = daemon.act(f"pid:{program.pid}", "trim")
        assert status == 200 and receipt["outcome"] == "freed_nothing", receipt


def test_shared_pages_free_nothing():
    with Daemon() as daemon, Program(daemon, "fork_shared_heap.py", 150) as program:
        child = wait_for("the child", lambda: children(program.pid))[0]
        daemon.wait_agent(child)
        wait_for("the family", lambda: daemon.process_of(child)["family_size"] == 2)
        wait_idle(program.pid, child)
        before = status_bytes(child, "VmRSS")
        status, receipt = daemon.act(f"pid:{child}", "trim")
        assert status == 200, receipt
        assert receipt["basis"] == "family_pss", receipt
        assert receipt["rss_after_bytes"] < 0.5 * before, receipt
        assert receipt["outcome"] == "freed_nothing", receipt


def test_collect_that_would_unshare_is_refused():
    with Daemon() as daemon, Program(daemon, "prefork.py") as program:
        workers = wait_for("the workers", lambda: len(children(program.pid)) == 4
                           and children(program.pid))
        daemon.wait_agent(workers[0])
        wait_for("the family", lambda: daemon.process_of(workers[0])["family_size"] == 5)
        wait_idle(program.pid, *workers)
        family = [program.pid, *workers]
        before = sum(rollup(pid)["Pss"] for pid in family)
        status, receipt = daemon.act(f"pid:{workers[0]}", "collect")
        assert status == 200 and receipt["outcome"] == "refused", receipt
        assert "freeze" in receipt["steps"][0]["note"], receipt
        after = sum(rollup(pid)["Pss"] for pid in family)
        assert after <= before * 1.05, (before, after)


def test_pause_stops_before_the_next_rung():
    with Daemon() as daemon, Program(daemon, "cycles.py", 60) as program:
        daemon.wait_agent(program.pid)
        os.kill(program.pid, signal.SIGSTOP)  # the first rung hangs until we let it go
        try:
            status, running = daemon.act(f"pid:{program.pid}", "collect", "trim", wait="0s")
            assert status == 202, running
            status, _ = daemon.ask("POST", "/api/v1/pause", {})
            assert status in (200, 204), status
        finally:
            os.kill(program.pid, signal.SIGCONT)

        def done():
            receipt = daemon.get(f"/api/v1/actions/{running['id']}")
            return receipt if receipt.get("outcome") else None
        receipt = wait_for("the ladder to stop", done)
        assert receipt["outcome"] == "paused", receipt
        assert len([s for s in receipt["steps"] if s.get("outcome") not in (None, "paused")]) <= 1, receipt
        status, refused = daemon.act(f"pid:{program.pid}", "trim")
        assert refused.get("outcome") == "paused", (status, refused)
        daemon.ask("POST", "/api/v1/resume", {})
        status, receipt = daemon.act(f"pid:{program.pid}", "trim")
        assert status == 200 and receipt["outcome"] in ("freed", "freed_nothing"), receipt


def test_pause_file():
    with Daemon(rules=CYCLES) as daemon:
        (daemon.config_dir / "PAUSE").touch()
        wait_for("the pause", lambda: daemon.get("/api/v1/status")["paused"])
        with Program(daemon, "cycles.py", 120, name=NAME) as program:
            daemon.wait_agent(program.pid)
            wait_for("the cycles", lambda: status_bytes(program.pid, "VmRSS") > 110 * MIB)
            ticks = daemon.get("/api/v1/status")["ticks"]
            wait_for("20 ticks", lambda: daemon.get("/api/v1/status")["ticks"] > ticks + 20)
            assert not [r for r in finished(daemon.receipts()) if r["outcome"] == "freed"]
            (daemon.config_dir / "PAUSE").unlink()
            wait_for("a receipt", lambda: [r for r in finished(daemon.receipts())
                                           if r["outcome"] == "freed"])


def test_hung_agent_is_said():
    with Daemon() as daemon, Program(daemon, "cycles.py", 30) as program:
        daemon.wait_agent(program.pid)
        os.kill(program.pid, signal.SIGSTOP)
        try:
            status, receipt = daemon.act(f"pid:{program.pid}", "collect")
            assert status == 200 and receipt["outcome"] == "agent_silent", (status, receipt)
        finally:
            os.kill(program.pid, signal.SIGCONT)


def test_target_that_dies():
    with Daemon() as daemon, Program(daemon, "cycles.py", 30) as program:
        daemon.wait_agent(program.pid)
        os.kill(program.pid, signal.SIGSTOP)
        status, running = daemon.act(f"pid:{program.pid}", "collect", wait="0s")
        assert status == 202, running
        program.process.kill()
        program.process.wait()

        def done():
            receipt = daemon.get(f"/api/v1/actions/{running['id']}")
            return receipt if receipt.get("outcome") else None
        assert wait_for("the receipt", done)["outcome"] == "target_gone"


def test_no_agent():
    with Daemon() as daemon, Program(daemon, "cycles.py", 10, agent=False) as program:
        wait_for("the process", lambda: daemon.process_of(program.pid))
        status, problem = daemon.act(f"pid:{program.pid}", "collect")
        assert status == 409 and problem["type"].endswith("no_agent"), problem
        assert "memtend run" in problem["detail"], problem
        assert daemon.act("pid:4194303", "collect")[0] == 404
        assert daemon.act(f"{program.pid}-1", "collect")[0] == 404
        assert daemon.act("pid:1", "trim")[0] in (403, 409)


def test_exits_that_matter():
    """An exit is an event when memtend had to do with the process, not for every short command."""
    with Daemon(rules=CYCLES) as daemon:
        with Program(daemon, "cycles.py", 10, name=NAME) as program:
            gone = daemon.wait_agent(program.pid)["id"]
            with Program(daemon, "cycles.py", 10, agent=False) as other:
                wait_for("the other", lambda: daemon.process_of(other.pid))
        wait_for("the exit", lambda: [e for e in daemon.events("exit") if e["target"] == gone])
        assert len(daemon.events("exit")) == 1, daemon.events("exit")


def test_restart_keeps_events_and_receipts():
    daemon = Daemon(rules=CYCLES)
    with daemon, Program(daemon, "cycles.py", 120, name=NAME) as program:
        receipt = wait_for("a receipt", lambda: finished(daemon.receipts()))[0]
        wait_for("durable", lambda: daemon.get(f"/api/v1/actions/{receipt['id']}")["durable"])
        daemon.ask("POST", "/api/v1/events", {"kind": "deploy", "text": "release 7"})
        before = {event["id"] for event in daemon.events()}
        daemon.kill()
        daemon.start()
        after = daemon.events()
        assert before <= {event["id"] for event in after}
        assert any(event["text"] == "release 7" for event in after)
        assert daemon.get(f"/api/v1/actions/{receipt['id']}")["outcome"] == receipt["outcome"]
        daemon.wait_agent(program.pid)
        now = time.time()
        series = daemon.get(f"/api/v1/series?target=pid:{program.pid}&metric=rss"
                            f"&from={int(now) - 60}&to={int(now) + 1}&points=300")
        points = series["series"][0]["points"]
        assert len([p for p in points if p[1] is not None]) > 3, series


run([value for name, value in list(globals().items()) if name.startswith("test_")])
