# SPDX-License-Identifier: MIT
"""events, receipts, rules, pause, query, status, host, open: what is asked and what is shown."""

import contextlib
import csv
import io
import os
import pathlib
import pty
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from case import EVIL, MEMTEND, environment, main, wait_for
from fake_daemon import FakeDaemon, problem
from shapes import (AGENT, CENSUS, EVENTS, HOST, RECEIPT, RULE, SERIES, STATUS, SUSPECTS, TOP,
                    TYPES, WINDOW, listing, poisoned, twisted)


def serving(method, path, answer):
    daemon = FakeDaemon()
    daemon.answer(method, path, answer)
    return daemon


def test_heap_shows_what_is_known():
    with serving("GET", "/api/v1/processes/pid%3A4711/agent", AGENT) as daemon:
        said = daemon.memtend("heap", "pid:4711", code=0)
        assert "2.5 MiB" in said.out and "27/5/0" in said.out, said
        assert "free resident" not in said.out, said
        assert said.out.splitlines()[-1].split() == ["64", "B", "798", "203280", "12.4", "MiB"], said
        assert daemon.memtend("heap", "pid:4711", "--json", code=0).json() == AGENT


def test_heap_of_hostile_shape():
    hostile = {"malloc": [], "gc": {"count": "no", "enabled": 3},
               "pymalloc": {"used_bytes": -1, "classes": [7, {"block_bytes": 2 ** 62, "pools": 1,
                                                              "blocks": 2 ** 62}]}}
    with serving("GET", "/api/v1/processes/1/agent", hostile) as daemon:
        daemon.memtend("heap", "1", code=0)
    with serving("GET", "/api/v1/processes/1/agent", problem(409, "no_agent", "start it with")) as daemon:
        assert "start it with" in daemon.memtend("heap", "1", code=1).err


CENSUS_PATH = "/api/v1/processes/4711/census"


def test_census_of_containers():
    with serving("GET", CENSUS_PATH, CENSUS) as daemon:
        said = daemon.memtend("census", "4711", code=0)
        grows, alias, blob, end = said.out.splitlines()[1:]
        assert grows.split() == ["__main__.app.cache.d", "dict", "7,200", "entries", "+3,600", "in",
                                 "4", "looks", "1"], said
        assert alias.split() == ["__main__.global_dict", "dict", "500,000", "entries", "2",
                                 "__main__.alias"], said
        assert blob.split() == ["__main__.blob", "bytes", "3,000,000", "bytes", "-"], said
        assert end == "18,595 objects looked at, the program stood still for 1.9 ms", said
        assert daemon.requests[0].query == {"mode": "roots", "top": "20"}
        assert daemon.memtend("census", "4711", "--json", code=0).json() == CENSUS


def test_census_of_suspects_and_types():
    with serving("GET", CENSUS_PATH, SUSPECTS) as daemon:
        said = daemon.memtend("census", "4711", "--mode", "suspects", code=0)
        assert said.out.splitlines()[:2] == ["gc.garbage: 1,234", "    clear the list"], said
        assert said.out.splitlines()[2].endswith("there may be more"), said
    with serving("GET", CENSUS_PATH, TYPES) as daemon:
        said = daemon.memtend("census", "4711", "--mode=full", "--top=2", "--max-objects=9", code=0)
        assert said.out.splitlines()[2].split() == ["280", "app.Order"], said
        assert daemon.requests[0].query == {"mode": "full", "top": "2", "max_objects": "9"}
    empty = {"mode": "suspects", "truncated": False, "objects": 7, "findings": []}
    with serving("GET", CENSUS_PATH, empty) as daemon:
        assert "no known cause" in daemon.memtend("census", "4711", "--mode=suspects", code=0).out
        assert "nothing large" in daemon.memtend("census", "4711", code=0).out


def test_census_refused():
    for slug, code, text in (("no_agent", 1, "memtend run"), ("too_many_objects", 1, "max-objects"),
                             ("not_found", 5, "memtend ps")):
        status = 404 if slug == "not_found" else 409
        with serving("GET", CENSUS_PATH, problem(status, slug, "start it with: memtend run")) as daemon:
            assert text in daemon.memtend("census", "4711", "--mode=full", code=code).err, slug
    with serving("GET", CENSUS_PATH, problem(504, "gil_timeout", "busy in C code")) as daemon:
        assert "busy in C code" in daemon.memtend("census", "4711", code=7).err
    with FakeDaemon() as daemon:
        for wrong in ("--mode=all", "--top=0", "--top=41", "--top=x"):
            daemon.memtend("census", "4711", wrong, code=2)
        daemon.memtend("census", code=2)
        assert daemon.requests == []


def test_census_of_hostile_shape():
    for good in (CENSUS, SUSPECTS, TYPES):
        mode = "--mode=" + good["mode"]
        with serving("GET", CENSUS_PATH, poisoned(good)) as daemon:
            said = daemon.memtend("census", "4711", mode, code=0)
            assert "\x1b" not in said.out and "\x07" not in said.out, said
        for other in (None, -1, 2 ** 62, 1.5e300, "text", [], {}, True):
            with serving("GET", CENSUS_PATH, twisted(good, other)) as daemon:
                daemon.memtend("census", "4711", mode, code=0)


def test_events_are_oldest_first():
    with serving("GET", "/api/v1/events", listing(*EVENTS)) as daemon:
        said = daemon.memtend("events", code=0)
        kinds = [line.split()[2] for line in said.out.splitlines()]
        assert kinds == ["start", "hello", "rule_fired"], said
        assert "[rule idle-after-burst]  [receipt 20261122-1]" in said.out, said
        assert daemon.requests[0].query == {"limit": "20"}
        daemon.memtend("events", "-n", "2", "--kind", "hello", "--since", "2h", code=0)
        query = daemon.requests[-1].query
        assert query["limit"] == "2" and query["kind"] == "hello", query
        assert query["from"].endswith("Z"), query


def test_events_pages():
    def page(request):
        first = 1500 - int(request.query.get("cursor", "0"))
        limit = int(request.query["limit"])
        ids = range(first, max(first - limit, 0), -1)
        return listing(*[{**EVENTS[1], "id": i} for i in ids],
                       cursor=str(1500 - first + limit) if first > limit else None)
    with serving("GET", "/api/v1/events", page) as daemon:
        daemon.memtend("events", "--since", "2026-11-22T09:30:00+01:00", code=0)
        assert daemon.requests[-1].query["from"] == "2026-11-22T08:30:00.000Z", daemon.requests[-1]
        daemon.memtend("events", "--since", "yesterday", code=2)
        said = daemon.memtend("events", "--since", "1d", "--json", code=0)
        assert [line["id"] for line in said.lines()] == list(range(1, 1501))


def test_events_endless_pages_end():
    with serving("GET", "/api/v1/events", listing(*EVENTS, cursor="same")) as daemon:
        daemon.memtend("events", "--since", "1d", code=0)
    with serving("GET", "/api/v1/events", listing(cursor="more")) as daemon:
        daemon.memtend("events", "--since", "1d", code=0)


def test_events_follow():
    now = [EVENTS[2]]
    with serving("GET", "/api/v1/events", lambda _: listing(*now)) as daemon:
        process = subprocess.Popen([MEMTEND, "events", "-f", "--json"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE,
                                   env=environment({"MEMTEND_RUNTIME_DIR": str(daemon.runtime)}))
        deadline = threading.Timer(60, process.kill)  # every readline below ends by then
        deadline.start()
        try:
            assert b'"start"' in process.stdout.readline()
            now.insert(0, EVENTS[1])
            assert b'"hello"' in process.stdout.readline()
            daemon.stop()
            assert b"no daemon answers" in process.stderr.readline()
            daemon.start()
            now.insert(0, EVENTS[0])
            assert b'"rule_fired"' in process.stdout.readline()
        finally:
            deadline.cancel()
            process.kill()
            process.communicate()


def test_bad_event_options():
    with FakeDaemon() as daemon:
        said = daemon.memtend("events", "--kind", "ruel_fired", code=2)
        assert "rule_fired" in said.err, said
        for option in (["-n", "0"], ["--since", "5"], ["--since", "5 min"], ["--since", "-5m"],
                       ["--since", "0s"], ["--since", "99999999999d"], ["--since", ""]):
            daemon.memtend("events", *option, code=2)
        assert daemon.requests == []


def test_receipts():
    with serving("GET", "/api/v1/actions", listing(RECEIPT, {"id": "x", "target": "1-2"})) as daemon:
        said = daemon.memtend("receipts", code=0)
        row = said.out.splitlines()[1]
        for text in ("4711-88213", "collect, trim", "237 MiB", "43 ms", "freed", "uid 1000",
                     "20261122-1"):
            assert text in row, (text, row)
        assert "running" in said.out.splitlines()[2], said
        daemon.answer("GET", "/api/v1/actions/a%2Fb%3Fc", RECEIPT)
        assert "outcome    freed" in daemon.memtend("receipts", "a/b?c", code=0).out
        said = daemon.memtend("receipts", "nope", code=1)
        assert "memtend receipts" in said.err, said


def test_rules_list():
    with serving("GET", "/api/v1/rules", listing(RULE)) as daemon:
        for words in ([], ["list"]):
            said = daemon.memtend("rules", *words, code=0)
            assert "idle-after-burst" in said.out and "dry_run" in said.out, said
    with serving("GET", "/api/v1/rules", listing()) as daemon:
        assert "put NAME FILE" in daemon.memtend("rules", code=0).err


def test_rules_check():
    with serving("POST", "/api/v1/rules/check", {"valid": True}) as daemon:
        file = daemon.home / "t.rules"
        file.write_text("rule a for each\tprocess:\n\twhen rsss > 1\n", encoding="utf-8")
        assert "no errors" in daemon.memtend("rules", "check", file, code=0).out
        assert daemon.requests[0].body == {"text": file.read_text(encoding="utf-8")}
        daemon.answer("POST", "/api/v1/rules/check", problem(
            422, "bad_rule", "first", errors=[
                {"line": 2, "column": 7, "message": "unknown metric rsss (did you mean rss?)"},
                {"line": 1, "column": 12, "message": "second" + EVIL},
                {"line": 99, "column": 1, "message": "beyond the end"}]))
        said = daemon.memtend("rules", "check", file, code=2)
        lines = said.err.splitlines()
        assert lines[0] == f"{file}:2:7: error: unknown metric rsss (did you mean rss?)", said
        assert lines[1] == "   when rsss > 1" and lines[2] == "        ^", lines
        assert lines[3].startswith(f"{file}:1:12: error: second"), said
        assert lines[5].index("^") == 2 + 11 and "beyond the end" in lines[6], said
        assert said.out == "", said
        said = daemon.memtend("rules", "check", file, "--json", code=2)
        assert said.json()["errors"][0]["line"] == 2, said


def test_rules_check_reads_standard_input():
    with serving("POST", "/api/v1/rules/check", {"valid": True}) as daemon:
        said = daemon.memtend("rules", "check", "-", stdin=None, input=b"rule x", code=0)
        assert daemon.requests[0].body == {"text": "rule x"}, said


def test_rules_check_wide_characters_keep_the_caret():
    with serving("POST", "/api/v1/rules/check", problem(
            422, "bad_rule", "x", errors=[{"line": 1, "column": 10, "message": "here"}])) as daemon:
        file = daemon.home / "t.rules"
        file.write_text('"内存" rsss', encoding="utf-8")
        lines = daemon.memtend("rules", "check", file, code=2).err.splitlines()
        assert lines[2] == "  " + " " * 7 + "^", lines


def test_rules_bad_files():
    with FakeDaemon() as daemon:
        (daemon.home / "latin").write_bytes(b"rule \xff")
        (daemon.home / "nul").write_bytes(b"rule \0 x")
        (daemon.home / "large").write_bytes(b"#" * 70000)
        for name in ("latin", "nul", "large", "absent", "."):
            said = daemon.memtend("rules", "check", daemon.home / name, code=2)
            assert str(daemon.home / name) in said.err, said
        assert daemon.requests == []


def test_rules_put_and_delete():
    with serving("PUT", "/api/v1/rules/a-b", (201, RULE)) as daemon:
        file = daemon.home / "t.rules"
        file.write_text(RULE["text"], encoding="utf-8")
        assert "rules arm a-b" in daemon.memtend("rules", "put", "a-b", file, code=0).err
        assert daemon.requests[0].body == {"text": RULE["text"]}
        daemon.answer("DELETE", "/api/v1/rules/a-b", (204, None))
        daemon.memtend("rules", "delete", "a-b", code=0)
        daemon.answer("DELETE", "/api/v1/rules/a-b", problem(409, "conflict", "it is in a file"))
        assert "in a file" in daemon.memtend("rules", "delete", "a-b", code=1).err
        daemon.memtend("rules", "delete", "other", code=1)


def test_rules_arm():
    with serving("GET", "/api/v1/rules", listing(RULE)) as daemon:
        daemon.answer("POST", "/api/v1/rules/idle-after-burst/arm", {**RULE, "state": "armed"})
        daemon.answer("POST", "/api/v1/rules/idle-after-burst/disarm", RULE)
        said = daemon.memtend("rules", "arm", "idle-after-burst", code=0)
        assert " when rss > 200 MiB" in said.out and "armed" in said.err, said
        assert daemon.requests[-1].path.endswith("/arm"), daemon.requests[-1]
        daemon.memtend("rules", "disarm", "idle-after-burst", code=0)
        said = daemon.memtend("rules", "arm", "other", code=1)
        assert "no rule other" in said.err, said


def test_rules_arm_asks_on_a_terminal():
    for typed, code in ((b"n\n", 1), (b"\n", 1), (b"y\n", 0)):
        with serving("GET", "/api/v1/rules", listing(RULE)) as daemon:
            daemon.answer("POST", "/api/v1/rules/idle-after-burst/arm", RULE)
            master, slave = pty.openpty()
            os.write(master, typed)
            daemon.memtend("rules", "arm", "idle-after-burst", stdin=slave, code=code)
            armed = [r for r in daemon.requests if r.path.endswith("/arm")]
            assert len(armed) == (code == 0), (typed, armed)
            os.close(master)
            os.close(slave)


def test_rules_usage():
    with FakeDaemon() as daemon:
        for words in (["nonsense"], ["arm"], ["check"], ["put", "a"], ["list", "x"],
                      ["put", "a", "b", "c"]):
            said = daemon.memtend("rules", *words, code=2)
            assert "usage" in said.err, said
        assert daemon.requests == []


def test_pause_and_resume():
    with serving("POST", "/api/v1/pause", (204, None)) as daemon:
        daemon.answer("POST", "/api/v1/resume", EVENTS[0])
        daemon.memtend("pause", code=0)
        assert daemon.requests[-1].body == {}
        said = daemon.memtend("pause", "--for", "1h", "my-rule", code=0)
        assert daemon.requests[-1].body == {"for_seconds": 3600, "rule": "my-rule"}, said
        assert "1h" in said.err and "memtend resume my-rule" in said.err, said
        daemon.memtend("resume", "my-rule", code=0)
        assert daemon.requests[-1].path == "/api/v1/resume"
        assert daemon.requests[-1].body == {"rule": "my-rule"}
        daemon.memtend("pause", "--for", "soon", code=2)
        daemon.memtend("pause", b"\xff\xfe".decode("utf-8", "surrogateescape"), code=2)


def test_status():
    status = {**STATUS, "paused": True, "missing": ["no PSI", "no PSS" + EVIL],
              "store": {"state": "degraded", "detail": "disk full", "dropped_ticks": 0,
                        "lost_logs": 12, "refused_rows": 3}}
    with serving("GET", "/api/v1/status", status) as daemon:
        said = daemon.memtend("status", code=0)
        for text in ("memtendd 0.1.0, up 1d 1h", "until resumed", "degraded: disk full", "12 logs lost, 3 values refused",
                     "3, 2 ready", "4, 1 armed", "no PSI"):
            assert text in said.out, (text, said)
    with serving("GET", "/api/v1/status", {"version": "0.1.0"}) as daemon:
        daemon.memtend("status", code=0)  # what an asker with few rights gets


def test_host():
    with serving("GET", "/api/v1/host", HOST) as daemon:
        said = daemon.memtend("host", code=0)
        for text in ("mem.available", "512 MiB", "2.0 GiB", "psi.some.avg10", "1.2 %"):
            assert text in said.out, (text, said)


def test_query():
    with serving("GET", "/api/v1/series", SERIES) as daemon:
        said = daemon.memtend("query", "4711,4712", "rss,heap.free", "--since", "2h", "--points",
                              "5", "--agg", "max", code=0)
        query = daemon.requests[0].query
        assert query["target"] == "4711,4712" and query["metric"] == "rss,heap.free", query
        assert query["points"] == "5" and query["agg"] == "max" and "from" in query, query
        row = said.out.splitlines()[1]
        for text in ("100 MiB", "10.0 MiB", "247 MiB", "\u2588"):
            assert text in row, (text, row)
        said = daemon.memtend("query", "4711", "rss", "--csv", code=0)
        lines = said.out.splitlines()
        assert lines[0] == "time,target,metric,value", said
        assert lines[1] == f"2026-11-22T10:40:00.000Z,4711-88213,rss_bytes,{100 << 20}", said
        assert lines[3].endswith(",rss_bytes,"), said


def test_query_range():
    answer = {"series": [{"target": "unit:a,\"b\".service", "metric": "cpu_percent",
                          "points": [[0, 1.5, 3.5], [1000, None]]}]}
    with serving("GET", "/api/v1/series", answer) as daemon:
        said = daemon.memtend("query", "unit:a", "cpu", "--agg", "range", "--csv", code=0)
        assert said.out.splitlines() == [
            "time,target,metric,min,max",
            '1970-01-01T00:00:00.000Z,"unit:a,""b"".service",cpu_percent,1.5,3.5',
            '1970-01-01T00:00:01.000Z,"unit:a,""b"".service",cpu_percent,,'], said


def test_query_gone_and_wrong():
    with serving("GET", "/api/v1/series", problem(404, "not_found", "no process 9")) as daemon:
        daemon.memtend("query", "9", "rss", code=5)
        said = daemon.memtend("query", "9", "rrs", code=2)
        assert "rss" in said.err, said
        for options in (["--agg", "median"], ["--points", "0"], ["--csv", "--json"]):
            daemon.memtend("query", "9", "rss", *options, code=2)
        daemon.memtend("query", "9", code=2)


def test_query_times():
    with serving("GET", "/api/v1/series", SERIES) as daemon:
        daemon.memtend("query", "host", "mem.free", "--since", "2026-11-22T08:00:00Z", "--until",
                       "2026-11-22T09:30:00+01:00", code=0)
        query = daemon.requests[-1].query
        assert query["from"] == "2026-11-22T08:00:00.000Z", query
        assert query["to"] == "2026-11-22T08:30:00.000Z", query
        daemon.memtend("query", "host", "mem.free", "--until", "10m", code=0)
        assert "to" in daemon.requests[-1].query
        before = len(daemon.requests)
        for wrong in (["--since", "1h", "--until", "2h"], ["--since", "NaN"], ["--since", "-1h"],
                      ["--until", "9999999999999999999h"], ["--since", "2026-13-01T00:00:00Z"],
                      ["--since", "5"], ["--points", "2001"], ["--points", "-1"]):
            assert daemon.memtend("query", "host", "mem.free", *wrong, code=2).err, wrong
        said = daemon.memtend("query", "host", "headroom", code=2)
        assert "there are: rss cpu" in said.err and "swap.out" in said.err, said
        assert len(daemon.requests) == before, "what is wrong here is not asked there"
    with serving("GET", "/api/v1/series", problem(422, "bad_query", "points must be 1 to 7")) as daemon:
        said = daemon.memtend("query", "host", "mem.free", "--points", "8", code=2)
        assert "points must be 1 to 7" in said.err, said


def test_query_top():
    names = ["=1+1", "+cmd|x", "-bash", "@sum(a1)", 'a,"b"', "plain"]
    items = [{**TOP, "comm": name, "cmdline": name, "pid": i} for i, name in enumerate(names)]
    with serving("GET", "/api/v1/top", listing(TOP, {**TOP, "ended": False})) as daemon:
        said = daemon.memtend("query", "top", "pss", "--agg", "avg", "-n", "7", "--since", "1d", code=0)
        query = daemon.requests[-1].query
        assert query.pop("from") and query == {"metric": "pss", "order": "average", "limit": "7"}, query
        for text in ("4711-88213", "247 MiB", "100 MiB", "ended", "etl.py"):
            assert text in said.out, (text, said)
        daemon.memtend("query", "top", code=0)
        query = daemon.requests[-1].query
        assert query.pop("from") and query == {"limit": "10"}, query
        assert daemon.memtend("query", "top", "--json", code=0).json()["items"][0] == TOP
        for wrong in (["--agg", "min"], ["-n", "0"], ["-n", "1001"], ["--csv", "--json"]):
            daemon.memtend("query", "top", *wrong, code=2)
    with serving("GET", "/api/v1/top", listing(*items)) as daemon:
        rows = list(csv.DictReader(io.StringIO(daemon.memtend("query", "top", "--csv", code=0).out)))
        got = [row["comm"] for row in rows]
        assert got == ["'=1+1", "'+cmd|x", "'-bash", "'@sum(a1)", 'a,"b"', "plain"], got
        assert rows[5]["peak_bytes"] == str(247 << 20) and rows[5]["ended"] == "true", rows[5]
        assert rows[0]["name"] == "" and len(rows[0]) == 11, rows[0]
    with serving("GET", "/api/v1/top", listing()) as daemon:
        assert daemon.memtend("query", "top", code=0).err
    with serving("GET", "/api/v1/top", problem(422, "bad_query", "metric must be rss or pss")) as daemon:
        assert "rss or pss" in daemon.memtend("query", "top", "cpu", code=2).err


def test_query_around():
    with serving("GET", "/api/v1/events/412/window", WINDOW) as daemon:
        said = daemon.memtend("query", "around", "412", code=0)
        for text in ("4711-88213", "100 MiB", "247 MiB", "victim", "python3"):
            assert text in said.out, (text, said)
        lines = daemon.memtend("query", "around", "412", "--csv", code=0).out.splitlines()
        assert lines[:2] == ["time,target,metric,value",
                             f"2026-11-22T10:40:20.000Z,4711-88213,rss_bytes,{100 << 20}"], lines
        assert len(lines) == 4, lines
        for wrong in ([], [""], ["412", "--points", "0"]):
            daemon.memtend("query", "around", *wrong, code=2)
    # Nothing is kept for it: series of its process, or of the host.
    for target, metric in (("4711-88213", "rss,"), (None, "mem.available,")):
        bare = {"event": {**WINDOW["event"], "target": target}, "items": []}
        with serving("GET", "/api/v1/events/9/window", bare) as daemon:
            daemon.answer("GET", "/api/v1/series", SERIES)
            daemon.memtend("query", "around", "9", code=0)
            query = daemon.requests[-1].query
            assert query["target"] == (target or "host") and query["metric"].startswith(metric), query
            assert query["from"] == "2026-11-22T10:36:18.000Z", query
    with serving("GET", "/api/v1/actions/20261122-1", RECEIPT) as daemon:
        daemon.answer("GET", "/api/v1/series", SERIES)
        said = daemon.memtend("query", "around", "20261122-1", "--csv", code=0)
        assert said.out.startswith("time,target,metric,value\n2026"), said
        query = daemon.requests[-1].query
        assert query["target"] == "4711-88213" and query["from"] == "2026-11-22T10:36:18.123Z", query
        assert query["to"] == "2026-11-22T10:46:18.123Z", query
    with serving("GET", "/api/v1/events/9/window", problem(404, "not_found", "no event 9")) as daemon:
        assert "memtend events" in daemon.memtend("query", "around", "9", code=1).err


def test_open():
    with serving("GET", "/api/v1/status", STATUS) as daemon:
        state = daemon.home / "state"
        state.mkdir()
        said = daemon.memtend("open", "--state-dir", state, code=1)
        assert str(state / "token") in said.err and said.out == "", said
        (state / "token").write_text("0123abcd\n", encoding="utf-8")
        said = daemon.memtend("open", "--state-dir", state, code=0)
        assert said.out == "http://127.0.0.1:6368/#token=0123abcd\n", said
        said = daemon.memtend("open", "--state-dir", state, "--http", "[::1]:80", code=0)
        assert said.out == "http://[::1]:80/#token=0123abcd\n", said
        for bad in ("localhost", ":80", "a:0", "a:99999", "a b:80", "evil/:80"):
            daemon.memtend("open", "--http", bad, code=2)
        for bad in ("", "a b", "x" * 4000, EVIL):
            (state / "token").write_text(bad, encoding="utf-8")
            assert daemon.memtend("open", "--state-dir", state, code=1).out == ""


def test_waiting_line_on_a_terminal():
    def slow(_request):
        time.sleep(3)
        return STATUS
    with serving("GET", "/api/v1/status", slow) as daemon:
        master, slave = pty.openpty()
        done = subprocess.run([MEMTEND, "status", "--json"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=slave, check=True,
                              env=environment({"MEMTEND_RUNTIME_DIR": str(daemon.runtime)}))
        os.close(slave)
        wrote = b""
        with contextlib.suppress(OSError):  # EIO is the end: a terminal hands over bit by bit
            while True:
                wrote += os.read(master, 4096)
        os.close(master)
        assert b"waiting for the daemon" in wrote and wrote.endswith(b"\r\x1b[K"), wrote
        assert done.stdout.startswith(b"{"), done


def test_no_request_is_lost():
    with serving("GET", "/api/v1/host", HOST) as daemon:
        for _ in range(20):
            daemon.memtend("host", code=0)
        wait_for("twenty requests", lambda: len(daemon.requests) == 20)


if __name__ == "__main__":
    main()
