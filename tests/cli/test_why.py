# SPDX-License-Identifier: MIT
"""`memtend why` of processes of every kind, by the daemon and by /proc itself."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from case import main, memtend
from fake_daemon import FakeDaemon, problem
from shapes import PROCESS, listing

MIB = 1 << 20
HOLD = "print(flush=True); import sys; sys.stdin.readline()"
LEDGER = {"id": PROCESS["id"], "rss_bytes": 100 * MIB, "whole": True,
          "layers": [{"layer": "malloc_free", "bytes": 60 * MIB, "what": "free\x1b[31m inside"},
                     {"layer": "python_used", "bytes": 40 * MIB, "what": "live"}],
          "large": [{"start": "7f00", "size_bytes": 9 * MIB, "rss_bytes": 8 * MIB,
                     "born_seconds_ago": 61}]}
VERDICT = {"id": PROCESS["id"], "cause": "malloc_keeps", "confidence": "high",
           "sentence": "malloc keeps 60 MiB.", "bytes": 60 * MIB, "rss_bytes": 100 * MIB,
           "evidence": ["one", "two"], "step": "trim", "predicted_bytes": [50 * MIB, 60 * MIB],
           "predicted_pause_seconds": 0.01, "cannot": "split pages", "next": "memtend free 1"}


def alone(*arguments, **options):
    """memtend where no daemon is."""
    with tempfile.TemporaryDirectory(prefix="memtend-cli-") as folder:
        return memtend("--runtime-dir", folder, *arguments, **options)


@contextlib.contextmanager
def program(text, *command):
    """A process that waits behind text for its stdin to close; it is yielded."""
    with subprocess.Popen([*(command or (sys.executable, "-c", text + "\n" + HOLD))],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            process.stdout.readline()
            yield process
        finally:
            process.kill()


def sums_up(why):
    layers = {line["layer"]: line["bytes"] for line in why["ledger"]["layers"]}
    assert sum(layers.values()) == why["ledger"]["rss_bytes"], why
    assert all(value >= 0 for value in layers.values()), why
    return layers


def test_every_kind_of_memory():
    for text, layer in (
            ("import mmap; m = mmap.mmap(-1, 64 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
             "m.write(b'x' * (64 << 20))", "large"),
            ("import mmap; m = mmap.mmap(-1, 64 << 20)\nm.write(b'x' * (64 << 20))", "shmem"),
            ("import mmap, tempfile; f = tempfile.TemporaryFile(dir='.'); f.truncate(64 << 20)\n"
             "m = mmap.mmap(f.fileno(), 0)\nm.write(b'x' * (64 << 20))", "file")):
        with tempfile.TemporaryDirectory(prefix="memtend-cli-") as folder:
            with program(f"import os; os.chdir({folder!r})\n{text}") as process:
                why = alone("why", "--json", str(process.pid), code=0).json()
                assert sums_up(why)[layer] >= 64 * MIB, (layer, why)
                assert why["process"]["pid"] == process.pid and why["ledger"]["whole"], why
                assert why["verdict"]["sentence"] and why["verdict"]["cause"], why


def test_pools_of_python():
    with program("x = [(i, str(i)) for i in range(400_000)]") as process:
        why = alone("why", "--json", str(process.pid), code=0).json()
        layers = sums_up(why)
        assert layers["python_used"] > 30 * MIB and "python_free" in layers, why
        assert why["process"]["py_used_bytes"] == layers["python_used"], why
        assert why["process"]["py_coverage_percent"] > 99, why
        assert why["verdict"]["cause"] == "python_objects", why
        assert why["ledger"].get("missing") is None, why
    with program("", "/bin/sh", "-c", "echo; read line") as process:
        layers = sums_up(alone("why", "--json", str(process.pid), code=0).json())
        assert "python_used" not in layers, layers


def test_pools_of_a_program_of_no_version():
    """Its name says CPython, and nothing else does: pools of either size are looked for."""
    with tempfile.TemporaryDirectory(prefix="memtend-cli-") as folder:
        plain = os.path.join(folder, "python")
        shutil.copy("/bin/sh", plain)
        with program("", plain, "-c", "echo; read line") as process:
            layers = sums_up(alone("why", "--json", str(process.pid), code=0).json())
            assert "python_used" not in layers, layers


def test_larger_than_may_be_held_up():
    """The same 64 MiB mapped ninety times: 5.6 GiB of RSS, and no memory to speak of."""
    text = ("import mmap, os; f = os.memfd_create('m'); os.ftruncate(f, 64 << 20)\n"
            "m = [mmap.mmap(f, 64 << 20, mmap.MAP_SHARED | 0x8000) for i in range(90)]\n"
            "x = b'x' * (64 << 20)")
    with program(text) as process:
        pid = str(process.pid)
        why = alone("why", "--json", pid, code=0).json()
        layers = sums_up(why)
        assert why["ledger"]["whole"] and layers["shmem"] >= 90 * 64 * MIB, why
        assert 64 * MIB <= why["process"]["uss_bytes"] < 1024 * MIB, why
        assert "pss_bytes" not in why["process"] and why["process"]["pss_absent"] == "too_dear", why
        assert "PSS too dear" in alone("why", pid, code=0).out


def test_every_process_sums_up():
    items = alone("ps", "--json", "-n", "1000", code=0).json()["items"]
    seen = 0
    for item in items:
        said = alone("why", "--json", item["id"])
        if said.code == 5:
            continue  # it has ended meanwhile
        assert said.code == 0, said
        sums_up(said.json())
        seen += 1
    assert seen > 0


def test_targets():
    with program("") as process:
        pid = str(process.pid)
        said = alone("why", pid, code=0)
        assert "confidence: " in said.out and pid in said.out, said
        assert "no daemon" in said.err, said
        identity = alone("why", "--json", f"pid:{pid}", code=0).json()["process"]["id"]
        assert alone("why", "--json", identity, code=0).json()["process"]["id"] == identity
        number, start = identity.split("-")
        assert "no process" in alone("why", f"{number}-{int(start) + 1}", code=5).err
    assert "no process" in alone("why", pid, code=5).err
    assert "memtend ps -q" in alone("why", "no-such.service", code=5).err
    alone("why", code=2)
    alone("why", "1", "2", code=2)
    assert "no process" in alone("why", "0x10", code=5).err


def test_host():
    said = alone("why", "host", code=0)
    assert "available" in said.out and "next: " in said.out, said
    shown = alone("why", "host", "--json", code=0).json()
    assert shown["state"] in ("short", "was_short", "near", "enough"), shown
    assert len(shown["evidence"]) >= 2 and shown["sentence"], shown


def test_neighbour():
    with tempfile.TemporaryDirectory(prefix="memtend-cli-") as folder:
        java = os.path.join(folder, "java")
        os.symlink(os.path.realpath(sys.executable), java)
        text = "x = b'x' * (80 << 20)\n" + HOLD
        with program("", java, "-c", text, "-Xmx512m") as process:
            verdict = alone("why", "--json", str(process.pid), code=0).json()["verdict"]
            assert verdict["cause"] == "runtime_limit" and "-Xmx" in verdict["sentence"], verdict
            assert "512 MiB" in verdict["sentence"] and verdict["confidence"] == "medium", verdict


def test_from_a_daemon():
    pid = str(PROCESS["pid"])
    path = f"/api/v1/processes/{pid}"
    with FakeDaemon() as daemon:
        daemon.answer("GET", path, PROCESS)
        daemon.answer("GET", path + "/ledger", LEDGER)
        daemon.answer("GET", path + "/verdict", VERDICT)
        said = daemon.memtend("why", pid, code=0)
        assert "\x1b" not in said.out, said
        for text in ("malloc keeps 60 MiB.", "malloc free", "60 %", "made 1m",
                     "gives back 50.0 MiB to 60.0 MiB", "- two", "next: memtend free 1"):
            assert text in said.out, (text, said)
        shown = daemon.memtend("why", "--json", pid, code=0).json()
        assert shown["ledger"] == LEDGER and shown["verdict"] == VERDICT, shown
    with FakeDaemon() as daemon:
        daemon.answer("GET", path + "/ledger", problem(404, "not_found", "gone"))
        daemon.memtend("why", pid, code=5)


def test_unit_of_a_daemon():
    path = "/api/v1/processes/4711-88213"
    small, large = dict(PROCESS, unit="web.service", rss_bytes=MIB), dict(PROCESS, id="4711-88213",
                                                                       unit="web.service")
    with FakeDaemon() as daemon:
        daemon.answer("GET", "/api/v1/processes",
                      listing(large, small, dict(PROCESS, unit="other.service")))
        daemon.answer("GET", path, large)
        daemon.answer("GET", path + "/ledger", LEDGER)
        daemon.answer("GET", path + "/verdict", VERDICT)
        for target in ("web.service", "unit:web.service"):
            said = daemon.memtend("why", target, code=0)
            assert "web.service has 2 processes" in said.err, said


if __name__ == "__main__":
    main()
