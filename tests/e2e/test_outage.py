#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A disk that is full, becomes read-only or is at a quota under the running daemon: it looks, judges
and answers on, says so in one event, and stores again by itself; and files that it cannot use when it
starts."""
import os
import pathlib
import resource
import sqlite3
import subprocess
import tempfile

from house import Daemon, Program, run, skip, wait_for

RESUME_SECONDS = 30
RULE = ('rule watched for each process where cmdline ~ "thread_buffers\\.py":\n'
        '  when rss > 60 MiB\n  then trim\n')


def need_mounts():
    if os.geteuid() != 0:
        skip("a file system of its own needs root")
    if subprocess.run(["unshare", "--mount", "true"], check=False).returncode != 0:
        skip("no mount namespace can be made here")


def inside(daemon, *command, check=True):
    """In the daemon's mount namespace: its pid is the one that unshare and sh had."""
    return subprocess.run(["nsenter", "--mount", "--target", str(daemon.process.pid), *command],
                          check=check, capture_output=True, text=True)


def on_its_own_disk(home, mount):
    (home / "state").mkdir()
    daemon = Daemon(home=home, rules=RULE)
    daemon.command = ["unshare", "--mount", "sh", "-c", f"{mount} && exec \"$@\"", "sh",
                      *daemon.command]
    return daemon


def store_of(daemon):
    return daemon.get("/api/v1/status")["store"]


def outage(daemon, break_it, mend_it, reason, kept=("start", "deploy")):
    """What has to hold whatever is wrong with the disk; kept: events of before that it still has."""
    status, before = daemon.ask("POST", "/api/v1/events", {"kind": "deploy", "text": "before"})
    assert status == 201 and before["durable"], before
    break_it()
    store = wait_for("a degraded store", lambda: (
        s := store_of(daemon))["state"] == "degraded" and s)
    assert reason in store["detail"], store
    ticks = daemon.get("/api/v1/status")["ticks"]
    with Program(daemon, "thread_buffers.py", 100):
        wait_for("a rule to fire meanwhile", lambda: daemon.events("rule_would_fire"))
        # Long enough for some tries, which come every two seconds.
        wait_for("sampling to go on", lambda: daemon.get("/api/v1/status")["ticks"] > ticks + 70)
    said = [event["text"] for event in daemon.events("store")]
    assert len(said) == 1 and reason in said[0], said
    mend_it()
    wait_for("the store to resume", lambda: store_of(daemon)["state"] == "ok", RESUME_SECONDS)
    wait_for("what happened meanwhile to be on disk",
             lambda: all(event["durable"] for event in daemon.events()))
    kinds = {event["kind"] for event in daemon.events()}
    assert {*kept, "rule_would_fire", "store"} <= kinds, kinds
    assert len(daemon.events("store")) == 2, daemon.events("store")
    store = store_of(daemon)
    assert store["lost_ticks"] == store["lost_logs"] == store["refused_rows"] == 0, store


def test_full_disk():
    need_mounts()
    with tempfile.TemporaryDirectory(prefix="memtend-") as folder:
        home = pathlib.Path(folder)
        fill = str(home / "state" / "ballast")
        with on_its_own_disk(home, f"mount -t tmpfs -o size=16m tmpfs '{home}/state'") as daemon:
            outage(daemon,
                   lambda: inside(daemon, "dd", "if=/dev/zero", f"of={fill}", "bs=4k", check=False),
                   lambda: inside(daemon, "rm", fill), "disk is full")


def test_read_only_disk():
    """As ext4 does it to itself after an error; what mends it is another mount in its place."""
    need_mounts()
    with tempfile.TemporaryDirectory(prefix="memtend-") as folder:
        home = pathlib.Path(folder)
        disk, state = home / "disk", home / "state"
        with open(disk, "wb") as file:
            file.truncate(32 << 20)
        if subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", disk], check=False,
                          capture_output=True).returncode != 0:
            skip("mkfs.ext4 cannot make a file system here")
        mount = f"mount -o loop '{disk}' '{state}'"
        if subprocess.run(["unshare", "--mount", "sh", "-c", f"mkdir -p '{home}/try' && mount -o loop"
                           f" '{disk}' '{home}/try'"], check=False,
                          capture_output=True).returncode != 0:
            skip("no loop device can be mounted here")

        def mend():
            inside(daemon, "umount", "-l", str(state))
            inside(daemon, "sh", "-c", f"mount -t tmpfs tmpfs '{state}'")
        with on_its_own_disk(home, mount) as daemon:
            outage(daemon, lambda: inside(daemon, "mount", "-o", "remount,abort", str(state)), mend,
                   "read-only", kept=())


def test_quota():
    """A limit on the size of files, as a quota is; no right is needed for it."""
    with tempfile.TemporaryDirectory(prefix="memtend-") as folder:
        with Daemon(home=folder, rules=RULE) as daemon:
            def limit(size):
                resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE,
                                 (size, resource.RLIM_INFINITY))
            outage(daemon, lambda: limit((daemon.state / "memtend.db").stat().st_size),
                   lambda: limit(resource.RLIM_INFINITY), "disk is full")


def put_rule(daemon):
    text = "rule kept for each process: when rss > 900 GiB then trim"
    assert daemon.ask("PUT", "/api/v1/rules/kept", {"text": text})[0] in (200, 201)
    assert daemon.ask("POST", "/api/v1/rules/kept/arm")[0] == 200
    daemon.ask("POST", "/api/v1/events", {"kind": "deploy", "text": "before"})


def check_replaced(folder, suffix):
    with Daemon(home=folder) as daemon:
        said = daemon.events("store")
        assert len(said) == 1 and suffix in said[0]["text"], said
        rules = daemon.get("/api/v1/rules")["items"]
        assert [(r["name"], r["state"]) for r in rules] == [("kept", "armed")], rules
        assert store_of(daemon)["state"] == "ok"
        # Load of the machine counts as little as it can: its own time, not that of the clock.
        own = os.sysconf("SC_CLK_TCK")
        stat = pathlib.Path(f"/proc/{daemon.process.pid}/stat").read_text(encoding="utf-8")
        used = sum(map(int, stat.rsplit(")", 1)[1].split()[11:13])) / own
        assert used < 5, used
        assert len(list(daemon.state.glob(f"memtend.db.*.{suffix}"))) == 1
    with Daemon(home=folder) as daemon:
        assert [r["state"] for r in daemon.get("/api/v1/rules")["items"]] == ["armed"]


def test_newer_file():
    with tempfile.TemporaryDirectory(prefix="memtend-") as folder:
        with Daemon(home=folder) as daemon:
            put_rule(daemon)
        with sqlite3.connect(daemon.state / "memtend.db") as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
        check_replaced(folder, "newer")
        aside = sqlite3.connect(next(daemon.state.glob("memtend.db.*.newer")))
        assert aside.execute("SELECT count(*) FROM event WHERE text = 'before'").fetchone() == (1,)
        aside.close()


def test_damaged_large_file():
    """As large as a file may be to be looked through whole, and broken at its end."""
    with tempfile.TemporaryDirectory(prefix="memtend-") as folder:
        with Daemon(home=folder) as daemon:
            put_rule(daemon)
        path = daemon.state / "memtend.db"
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA journal_mode = DELETE")
            database.execute("CREATE TABLE more (x)")
            database.executemany("INSERT INTO more VALUES (randomblob(1000))", ((),) * 88000)
        database.close()
        size = path.stat().st_size
        assert 85 << 20 < size < 96 << 20, size
        with open(path, "r+b") as file:
            file.seek(size - 3 * 4096)
            file.write(os.urandom(3 * 4096))
        check_replaced(folder, "damaged")


run([value for name, value in list(globals().items()) if name.startswith("test_")])
