# SPDX-License-Identifier: MIT
"""collect, trim and free: what is asked, how the receipt is shown, every way it can end."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from case import main, memtend, wait_for
from fake_daemon import FakeDaemon, problem
from shapes import RECEIPT, poisoned, twisted

ACTIONS = "/api/v1/actions"


def acting(answer, *arguments, **options):
    """(what was said, what was asked)"""
    with FakeDaemon() as daemon:
        daemon.answer("POST", ACTIONS, answer)
        return daemon.memtend(*arguments, **options), daemon.requests


def test_what_is_asked():
    for verb, steps in (("collect", ["collect"]), ("trim", ["trim"]), ("free", ["collect", "trim"])):
        said, requests = acting(RECEIPT, verb, "4711", code=0)
        assert requests[0].body == {"target": "4711", "steps": steps, "dry_run": False}, said
        assert requests[0].query == {"wait": "30s"}, requests[0]
        assert requests[0].headers["Content-Type"] == "application/json"
    said, requests = acting(RECEIPT, "free", "--dry-run", "--wait", "5s", "4711-88213", code=0)
    assert requests[0].body["dry_run"] is True and requests[0].query == {"wait": "5s"}


def test_card():
    said, _ = acting(RECEIPT, "free", "4711", code=0)
    for text in ("4711-88213", "247 MiB -> 10.0 MiB", "collect", "trim", "400000", "41 ms",
                 "237 MiB", "USS + swap", "outcome    freed", "all arenas", "200 MiB to 240 MiB"):
        assert text in said.out, (text, said)
    assert said.err == "", said


def test_card_says_what_is_wrong():
    receipt = {**RECEIPT, "durable": False, "moved_to_swap_bytes": 5 << 20, "rule": "r1",
               "asked_by": "rule r1", "freed_bytes": -(4 << 20), "note": "the family grew"}
    said, _ = acting(receipt, "free", "4711")
    for text in ("durable    no", "5.0 MiB, not counted", "rule r1", "-4.0 MiB", "the family grew"):
        assert text in said.out, (text, said)


def test_colour():
    said, _ = acting(RECEIPT, "free", "--color=always", "4711", code=0, clean=False)
    assert "\x1b[32mfreed\x1b[0m" in said.out, said
    said, _ = acting(RECEIPT, "free", "--color", "never", "4711", code=0)
    memtend("free", "--color=loud", "4711", code=2)


def test_json_is_one_line_a_target():
    said, requests = acting(RECEIPT, "free", "--json", "1,2", "3", code=0)
    assert said.lines() == [RECEIPT] * 3, said
    assert [request.body["target"] for request in requests] == ["1", "2", "3"]


def test_outcomes():
    codes = {"freed": 0, "freed_nothing": 0, "dry_run": 0, "target_gone": 5, "agent_silent": 7,
             "agent_busy": 1, "refused": 1, "backed_off": 1, "paused": 1, "something_new": 1}
    for outcome, code in codes.items():
        said, _ = acting({**RECEIPT, "outcome": outcome}, "free", "4711", code=code)
        assert outcome in said.out, said


def test_first_failure_decides():
    def answer(request):
        good = request.body["target"] != "2"
        return RECEIPT if good else problem(404, "not_found", "there is no process 2")
    said, requests = acting(answer, "free", "1", "2", "3", code=5)
    assert len(requests) == 3, said


def test_no_agent():
    answer = problem(409, "no_agent", "no in-process agent in 4711; start it with memtend run")
    said, _ = acting(answer, "collect", "4711", code=1)
    assert "no in-process agent in 4711" in said.err and "memtend run -- " in said.err, said
    assert said.out == "", said


def test_refusals():
    for status, slug, code in ((403, "forbidden", 4), (404, "not_found", 5), (409, "conflict", 1),
                               (422, "bad_target", 2), (503, "unavailable", 1)):
        said, _ = acting(problem(status, slug, "because\x1b[2J"), "trim", "4711", code=code)
        assert "because" in said.err and said.out == "", said


def test_bad_targets_never_reach_the_daemon():
    for target in ("", "nobody", "0", "-", "pid:x", "unit:", "1,", "e\x1b[1m", "99999999999"):
        said, requests = acting(RECEIPT, "free", "--", target, code=2)
        assert not requests and "try:" in said.err, said
    memtend("free", code=2)


def test_still_running_then_finished():
    running = {key: value for key, value in RECEIPT.items()
               if key not in ("outcome", "freed_bytes")}
    for first in ((202, running), (202, {}, {"Location": ACTIONS + "/20261122-1"})):
        asked = []

        def later(request, asked=asked):
            asked.append(request)
            return RECEIPT if len(asked) > 1 else running
        with FakeDaemon() as daemon:
            daemon.answer("POST", ACTIONS, first)
            daemon.answer("GET", ACTIONS + "/20261122-1", later)
            said = daemon.memtend("free", "4711", code=0)
            assert len(asked) == 2 and "outcome    freed" in said.out, said


def test_never_finished():
    running = {"id": "20261122-1", "target": "4711-88213", "steps": []}
    with FakeDaemon() as daemon:
        daemon.answer("POST", ACTIONS, (202, running))
        daemon.answer("GET", ACTIONS + "/20261122-1", running)
        said = daemon.memtend("free", "--wait", "1s", "4711", code=7)
        assert "memtend receipts 20261122-1" in said.err and said.out == "", said


def test_hostile_and_twisted_receipts():
    said, _ = acting(poisoned(RECEIPT), "free", "4711")
    assert "vil" in said.out
    for other in ("text", -1, 1.5, True, None, [], {}):
        answer = {**twisted(RECEIPT, other), "outcome": "freed"}
        said, _ = acting(answer, "free", "4711", code=0)


def test_daemon_goes_away():
    with FakeDaemon() as daemon:
        daemon.answer("POST", ACTIONS, RECEIPT)
        daemon.memtend("free", "4711", code=0)
        daemon.stop()
        wait_for("the socket to go", lambda: not (daemon.runtime / "http.sock").exists())
        daemon.memtend("free", "4711", code=3)


if __name__ == "__main__":
    main()
