# SPDX-License-Identifier: MIT
"""`memtend doctor` with and without a daemon."""

import os
import pathlib
import socket
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from case import EVIL, main, memtend
from fake_daemon import FakeDaemon
from shapes import PROCESS, STATUS, listing, poisoned, twisted


def healthy(daemon, status=None, processes=()):
    daemon.answer("GET", "/api/v1/status", status or STATUS)
    daemon.answer("GET", "/api/v1/processes", listing(*processes))
    (daemon.runtime / "agent").mkdir(exist_ok=True)
    path = daemon.runtime / "agent/control.sock"
    if not path.exists():
        with socket.socket(socket.AF_UNIX) as control:
            control.bind(str(path))
        os.chmod(path, 0o666)


def findings(said, section=None):
    return [c for c in said.json()["checks"] if section in (None, c["section"])]


def test_without_daemon():
    with tempfile.TemporaryDirectory(prefix="memtend-cli-") as folder:
        said = memtend("--runtime-dir", folder, "doctor", code=0)
        assert "no daemon runs" in said.out and "fix:" in said.out, said
        said = memtend("--runtime-dir", folder, "doctor", "--json", code=0)
        names = {(c["section"], c["name"]) for c in findings(said)}
        assert {("kernel", "version"), ("kernel", "psi"), ("kernel", "cgroup"),
                ("kernel", "memory"), ("rights", "user"), ("rights", "pss"),
                ("daemon", "socket"), ("agents", "python")} <= names, names
        memtend("--runtime-dir", folder, "doctor", "--strict", code=1)


def test_counts_agree():
    with tempfile.TemporaryDirectory(prefix="memtend-cli-") as folder:
        answer = memtend("--runtime-dir", folder, "doctor", "--json", code=0).json()
        states = [check["state"] for check in answer["checks"]]
        assert answer["ok"] == states.count("ok") and answer["failures"] == 0, answer
        assert answer["warnings"] == states.count("warning") >= 1, answer


def test_each_trouble_names_its_fix():
    with FakeDaemon() as daemon:
        healthy(daemon, {**STATUS, "paused": True, "version": "9.9.9",
                         "store": {"state": "degraded", "detail": "disk full"},
                         "probe": {"state": "limited", "detail": "no CAP_SYS_PTRACE"}})
        said = daemon.memtend("doctor", "--json", code=0)
        for check in findings(said):
            assert check["state"] == "ok" or check["fix"], check
        said = daemon.memtend("doctor", code=0)
        for text in ("disk full", "no CAP_SYS_PTRACE", "memtend resume", "9.9.9"):
            assert text in said.out, (text, said)


def test_what_is_not_stored():
    store = {"state": "ok", "detail": None, "dropped_ticks": 0, "merged_ticks": 5, "lost_ticks": 7,
             "lost_logs": 8, "refused_rows": 9}
    with FakeDaemon() as daemon:
        healthy(daemon, {**STATUS, "store": store})
        found = {c["name"]: c for c in findings(daemon.memtend("doctor", "--json", code=0), "store")}
        assert set(found) == {"store", "lost_ticks", "lost_logs", "refused_rows"}, found
        assert found["store"]["state"] == "ok", found
        for name in ("lost_ticks", "lost_logs", "refused_rows"):
            assert found[name]["state"] == "warning" and found[name]["fix"], found
            assert str(store[name]) in found[name]["text"], found


def test_healthy_daemon():
    with FakeDaemon() as daemon:
        healthy(daemon)
        said = daemon.memtend("doctor", "--json", code=0)
        bad = [c for c in findings(said, "daemon") + findings(said, "agents") if c["state"] != "ok"]
        assert bad == [], bad
        assert "3 connected, 2 ready" in daemon.memtend("doctor").out


def test_failures():
    for status in ({**STATUS, "store": {"state": "off", "detail": "damaged"}},
                   {**STATUS, "probe": {"state": "down", "detail": "gone"}},
                   (503, b"x"), b"nonsense"):
        with FakeDaemon() as daemon:
            healthy(daemon, status)
            daemon.memtend("doctor", code=1)


def test_python_without_agent():
    bare = {**PROCESS, "pid": 77, "agent": {"state": "none", "runtime": None, "allocator": None}}
    other = {**bare, "comm": "sh", "cmdline": "sh -c 'python x'"}
    with FakeDaemon() as daemon:
        healthy(daemon, processes=[PROCESS, bare, other])
        found = [c for c in findings(daemon.memtend("doctor", "--json", code=0), "agents")
                 if c["name"] == "python"]
        assert len(found) == 1 and "77" in found[0]["text"], found
        assert found[0]["fix"] == "memtend run -- " + PROCESS["cmdline"], found
        healthy(daemon, processes=[bare] * 9)
        said = daemon.memtend("doctor", code=0)
        assert "4 more Python processes" in said.out, said


def test_hostile_daemon():
    with FakeDaemon() as daemon:
        bare = {**PROCESS, "cmdline": "python3 " + EVIL, "agent": {"state": "none"}}
        healthy(daemon, poisoned({**STATUS, "missing": ["x"]}), [poisoned(bare), bare])
        assert "vil" in daemon.memtend("doctor").out
        for other in ("text", -1, None, [], True):
            healthy(daemon, twisted(STATUS, other), [twisted(PROCESS, other), other])
            daemon.memtend("doctor")


def test_directory_for_everybody():
    with FakeDaemon() as daemon:
        healthy(daemon)
        os.chmod(daemon.runtime, 0o777)
        said = daemon.memtend("doctor", code=1)
        assert "anybody could pose" in said.out and "chmod o-w" in said.out, said


def test_no_control_socket():
    with FakeDaemon() as daemon:
        healthy(daemon)
        os.unlink(daemon.runtime / "agent/control.sock")
        assert "no in-process agent can register" in daemon.memtend("doctor", code=1).out


def test_dead_socket():
    with tempfile.TemporaryDirectory(prefix="memtend-cli-") as folder:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(folder + "/http.sock")
        said = memtend("--runtime-dir", folder, "doctor", code=1)
        assert "nobody answers" in said.out, said


def test_path_too_long():
    said = memtend("--runtime-dir", "/tmp/" + "x" * 110, "doctor", code=1)
    assert "107" in said.out, said


if __name__ == "__main__":
    main()
