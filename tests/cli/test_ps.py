# SPDX-License-Identifier: MIT
"""`memtend ps` by the daemon and by /proc itself."""

import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(1, str(pathlib.Path(__file__).parent.parent / "vm" / "guest"))
import control_groups
from case import MEMTEND, environment, main, memtend, wait_for
from fake_daemon import FakeDaemon, problem
from shapes import PROCESS, STATUS, listing

SCRIPT = ("import ctypes, sys, time\n"
          "ctypes.CDLL(None).prctl(15, b'a\\n\\x1b[31m<b>\\xff')\n"
          "print(flush=True)\n"
          "time.sleep(600)\n")


class Hostile:
    """A process with everything wrong in its names."""

    def __enter__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, "needle-in-ps", "\u202eevil\x1b[2J", "--password=hunter2"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.process.stdout.readline()
        return self.process

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def alone(*arguments, **options):
    """memtend where no daemon is."""
    with tempfile.TemporaryDirectory(prefix="memtend-cli-") as folder:
        return memtend("--runtime-dir", folder, *arguments, **options)


def test_columns():
    said = alone("ps", code=0)
    assert said.out.splitlines()[0].split() == ["PID", "RSS", "PSS", "USS", "LIMIT",
                                                "HEADROOM", "%CPU", "AGE", "COMMAND"], said
    assert "no daemon" in said.err, said


def test_hostile_process():
    with Hostile() as process:
        said = alone("ps", "-q", "needle-in-ps", code=0)
        rows = said.out.splitlines()[1:]
        assert len(rows) == 1 and rows[0].split()[0] == str(process.pid), said
        assert "hunter2" not in said.out, said
        item = alone("ps", "-q", "NEEDLE-in", "--json", code=0).json()["items"][0]
        assert item["pid"] == process.pid and item["comm"].count("\ufffd") >= 2, item
        assert "hunter2" not in item["cmdline"] and item["uid"] == os.getuid(), item
        assert item["rss_bytes"] > 1 << 20 and item["age_seconds"] >= 0, item


GROUP = {"name": "gunicorn:web:app", "kind": "gunicorn", "members": 3, "workers": 2, "came": 12,
         "rss_bytes": 300 << 20, "pss_bytes": 120 << 20, "pss_members": 2, "uss_members": 0,
         "swap_bytes": 0, "swap_members": 3, "cow_loss_bytes": 7 << 20,
         "peak_rss_bytes": 400 << 20, "limit_bytes": 2 << 30, "headroom_bytes": -(5 << 20)}


def test_groups():
    spread = {key: value for key, value in GROUP.items()
              if key not in ("limit_bytes", "headroom_bytes")}
    hostile = {**spread, "name": "a\n\x1b[31m", "kind": "prefork"}
    with FakeDaemon() as daemon:
        daemon.answer("GET", "/api/v1/groups", listing(GROUP, hostile))
        said = daemon.memtend("ps", "--groups", "--sort", "cow_loss", "-q", "x", "-n", "5", code=0)
        query = daemon.requests[-1].query
        assert query == {"sort": "cow_loss", "limit": "5", "q": "x"}, query
        rows = said.out.splitlines()
        assert rows[0].split() == ["PROCS", "CAME", "RSS", "PSS", "USS", "SWAP", "COW", "PEAK",
                                   "RSS", "LIMIT", "HEADROOM", "KIND", "GROUP"], said
        assert rows[1].split() == ["3", "12", "300", "MiB", "120", "MiB+", "-", "0", "B", "7.0",
                                   "MiB", "400", "MiB", "2.0", "GiB", "-5.0", "MiB", "gunicorn",
                                   "gunicorn:web:app"], said
        assert rows[2].split()[13:16] == ["-", "-", "prefork"], said
        assert len(rows) == 3 and "\x1b" not in said.out, said
        assert daemon.memtend("ps", "-g", "--json", code=0).json()["items"][0] == GROUP


def test_groups_wrongly_asked():
    said = alone("ps", "--groups", code=3)
    assert "daemon" in said.err and not said.out, said
    assert "not a number of a group" in alone("ps", "--groups", "--sort", "cpu", code=2).err
    assert "needs the daemon" in alone("ps", "--groups", "--local", code=2).err


def test_values_are_those_of_proc():
    with Hostile() as process:
        item = alone("ps", "-q", "needle-in-ps", "--json", code=0).json()["items"][0]
        rollup = pathlib.Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="utf-8")
        values = {line.split()[0]: int(line.split()[1]) * 1024 for line in rollup.splitlines()[1:]}
        # Clean library pages are shared with whoever starts or ends meanwhile.
        uss = values["Private_Clean:"] + values["Private_Dirty:"]
        assert abs(item["pss_bytes"] - values["Pss:"]) < values["Pss:"] / 5, (item, values)
        assert abs(item["uss_bytes"] - uss) < uss / 5, (item, values)
        assert item["anon_bytes"] == values["Anonymous:"], (item, values)
        ticks = pathlib.Path(f"/proc/{process.pid}/stat").read_bytes().rsplit(b")", 1)[1].split()[19]
        assert item["id"] == f"{process.pid}-{int(ticks)}", item


def test_limit_and_headroom():
    """By the files of this machine, be they of v1 or v2, or none."""
    kind, root = control_groups.hierarchy()
    memory = {line.split()[0]: int(line.split()[1]) * 1024
              for line in pathlib.Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()}
    items = alone("ps", "-n", "1000", "--json", code=0).json()["items"]
    item, = [item for item in items if item["pid"] == os.getpid()]
    limit = control_groups.limit(kind, root, control_groups.path_of("self"))[0] if kind else None
    if kind == "v1" and item["limit_bytes"] < (limit or memory["MemTotal:"]):
        return  # the limit is set above what can be seen here
    assert item["limit_bytes"] == min(limit or memory["MemTotal:"], memory["MemTotal:"]), item
    assert 0 < item["headroom_bytes"] < item["limit_bytes"], item
    items = alone("ps", "--json", "--sort", "headroom", "-n", "5", code=0).json()["items"]
    rooms = [item.get("headroom_bytes", -1) for item in items]
    assert rooms == sorted(rooms, reverse=True) and rooms[0] > 0, rooms


def test_order_and_limit():
    items = alone("ps", "--json", code=0).json()["items"]
    sizes = [item["rss_bytes"] for item in items]
    assert sizes == sorted(sizes, reverse=True) and len(items) > 1, sizes
    assert alone("ps", "--json", "-n", "1", code=0).json()["items"][0]["rss_bytes"] >= sizes[1]
    for metric in ("uss", "pss", "cpu", "age", "swap", "anon"):
        items = alone("ps", "--json", "--sort", metric, code=0).json()["items"]
        key = {"cpu": "cpu_percent", "age": "age_seconds"}.get(metric, metric + "_bytes")
        values = [item.get(key, -1) for item in items]
        assert values == sorted(values, reverse=True), (metric, values)


def test_bad_options():
    alone("ps", "--sort", "nonsense", code=2)
    alone("ps", "--sort", "mem.total", code=2)
    alone("ps", "-n", "0", code=2)
    alone("ps", "-n", "1001", code=2)
    alone("ps", "-n", "ten", code=2)
    said = alone("ps", "--sort", "heap.free", code=3)
    assert "agent" in said.err, said


def test_nothing_found():
    said = alone("ps", "-q", "no process is called this", code=0)
    assert len(said.out.splitlines()) == 1, said


def test_many_processes():
    """As many as there may be here, in well under the deadline of the harness."""
    children = [subprocess.Popen(["sleep", "600"]) for _ in range(300)]
    try:
        items = alone("ps", "-q", "sleep", "-n", "1000", "--json", code=0).json()["items"]
        assert {child.pid for child in children} <= {item["pid"] for item in items}
    finally:
        for child in children:
            child.kill()
        for child in children:
            child.wait()


def test_processes_that_come_and_go():
    """Nothing that vanishes during the reading is more than a missing row."""
    churn = subprocess.Popen(["sh", "-c", "while :; do /bin/true; done"])
    try:
        for _ in range(20):
            alone("ps", "--json", code=0).json()
    finally:
        churn.kill()
        churn.wait()


def test_by_daemon():
    with FakeDaemon() as daemon:
        daemon.answer("GET", "/api/v1/processes", listing(PROCESS))
        said = daemon.memtend("ps", "-q", "a&b=c é", "--sort", "pss", "-n", "7", code=0)
        request = daemon.requests[0]
        assert request.query == {"q": "a&b=c é", "sort": "pss", "limit": "7"}, request.raw_path
        row = said.out.splitlines()[1]
        for text in ("4711", "247 MiB", "246 MiB", "245 MiB", "2.0 GiB", "512 MiB", "3.5",
                     "1h 2m", "python3 etl.py"):
            assert text in row, (text, row)
        assert "http.sock" in said.err, said


def test_missing_is_said():
    blind = {key: value for key, value in PROCESS.items() if not key.startswith(("pss", "uss"))}
    with FakeDaemon() as daemon:
        daemon.answer("GET", "/api/v1/processes", listing(blind, {**PROCESS, "name": "web"}))
        daemon.answer("GET", "/api/v1/status",
                      {**STATUS, "missing": ["PSS of other users: give the probe CAP_SYS_PTRACE"]})
        said = daemon.memtend("ps", code=0)
        assert said.out.splitlines()[1].split()[3:9] == ["-", "-", "2.0", "GiB",
                                                              "512", "MiB"], said
        assert "web: python3" in said.out and "CAP_SYS_PTRACE" in said.err, said


def test_local_does_not_ask():
    with FakeDaemon() as daemon:
        said = daemon.memtend("ps", "--local", code=0)
        assert daemon.requests == [] and str(os.getpid()) in said.out, said


def test_daemon_that_does_not_answer():
    with FakeDaemon() as daemon:
        daemon.answer("GET", "/api/v1/processes", problem(503, "unavailable", "no tick yet"))
        said = daemon.memtend("ps", code=1)
        assert "no tick yet" in said.err, said


def test_socket_without_right():
    if os.getuid() == 0 and not pathlib.Path("/usr/bin/setpriv").exists():
        return
    with FakeDaemon() as daemon:
        os.chmod(daemon.home, 0o755)
        os.chmod(daemon.runtime / "http.sock", 0o600)
        if os.getuid() != 0:
            return
        command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        readable = subprocess.run([*command, MEMTEND, "version"], check=False, capture_output=True)
        if readable.returncode != 0:
            return
        for arguments, code, text in ((["status"], 4, "group memtend"), (["ps"], 0, "may not use")):
            done = subprocess.run([*command, MEMTEND, *arguments], check=False, capture_output=True,
                                  text=True,
                                  env=environment({"MEMTEND_RUNTIME_DIR": str(daemon.runtime)}))
            assert done.returncode == code and text in done.stderr, done
        wait_for("no request", lambda: not daemon.requests, 1)


if __name__ == "__main__":
    main()
