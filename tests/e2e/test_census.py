#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A census through REST and command line: what grows is named, and why nothing can be taken is
said."""
import os

from house import Daemon, Program, run, wait_for


def census(daemon, program, query=""):
    process = daemon.process_of(program.pid)
    return daemon.ask("GET", f"/api/v1/processes/{process['id']}/census{query}")


def named(census, path):
    return next((one for one in census["findings"] if one["path"] == path), None)


def looks_until(daemon, program, path, found):
    """Look again until the container with this path is as it should be."""
    def look():
        status, answer = census(daemon, program)
        assert status == 200, answer
        one = named(answer, path)
        return one if one and found(one) else None
    return wait_for(path, look, every=0.5)


def test_what_grows_is_named():
    with Daemon() as daemon, Program(daemon, "growing_dict.py", 30, name="shop") as program:
        daemon.wait_agent(program.pid)
        one = looks_until(daemon, program, "__main__.SESSIONS",
                          lambda one: one.get("growth", 0) > 0)
        assert one["kind"] == "container" and one["type"] == "dict", one
        assert one["rises"] >= 2 and 0 < one["growth"] <= one["count"], one
        assert one["references"] >= 1 and one["holders"][0] == "__main__.SESSIONS", one
        said = daemon.memtend("census", str(program.pid), "--top", "5").stdout
        line = next(line for line in said.splitlines() if line.startswith("__main__.SESSIONS"))
        assert " dict " in line and " entries " in line and " looks " in line, said
        assert "the program stood still for" in said, said


def test_modes():
    with Daemon() as daemon, Program(daemon, "growing_dict.py", 30) as program:
        daemon.wait_agent(program.pid)
        status, suspects = census(daemon, program, "?mode=suspects")
        assert status == 200 and suspects["mode"] == "suspects", suspects
        assert all(one["kind"] == "suspect" and one["text"] for one in suspects["findings"])
        status, full = census(daemon, program, "?mode=full&top=3")
        assert status == 200 and len(full["findings"]) == 3, full
        assert full["objects"] > 1000 and full["hold_seconds"] >= 0, full
        status, problem = census(daemon, program, "?mode=full&max_objects=10")
        assert status == 409 and problem["type"].endswith(":too_many_objects"), problem
        said = daemon.memtend("census", str(program.pid), "--mode", "full", "--max-objects", "10",
                              check=False)
        assert said.returncode == 1 and "too_many" not in said.stderr, said
        status, problem = census(daemon, program, "?mode=everything")
        assert status == 422, problem


def test_without_an_agent_the_way_is_said():
    with Daemon() as daemon, Program(daemon, "growing_dict.py", 30, agent=False) as program:
        wait_for("the process", lambda: daemon.process_of(program.pid))
        status, problem = census(daemon, program)
        assert status == 409 and problem["type"].endswith(":no_agent"), problem
        assert "memtend run" in problem["detail"], problem
        said = daemon.memtend("census", str(program.pid), check=False)
        assert said.returncode == 1 and "memtend run" in said.stderr, said


def test_the_environment_forbids_it():
    os.environ["MEMTEND_CENSUS"] = "0"
    try:
        with Daemon() as daemon, Program(daemon, "growing_dict.py", 30) as program:
            daemon.wait_agent(program.pid)
            status, problem = census(daemon, program)
            assert status == 409 and "MEMTEND_CENSUS" in problem["detail"], problem
    finally:
        del os.environ["MEMTEND_CENSUS"]


if __name__ == "__main__":
    run([test_what_grows_is_named, test_modes, test_without_an_agent_the_way_is_said,
         test_the_environment_forbids_it])
