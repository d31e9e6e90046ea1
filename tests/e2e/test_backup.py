#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""memtend backup and restore with the real daemon: out while it runs, back while it does not."""
import contextlib
import os
import pathlib
import signal
import sqlite3
import stat
import subprocess
import tempfile

from house import BUILD, Daemon, run, skip, wait_for

MEMTEND = str(BUILD / "bin" / "memtend")
RULE = "rule kept for each process: when rss > 900 GiB then trim"


def memtend(daemon, *arguments, **options):
    """(exit code, stderr) with the daemon's directories."""
    done = subprocess.run([MEMTEND, *map(str, arguments), "--state-dir", str(daemon.state)],
                          capture_output=True, check=False, timeout=60, text=True,
                          env={**os.environ, "MEMTEND_RUNTIME_DIR": str(daemon.runtime)}, **options)
    assert done.stdout == "", done
    return done.returncode, done.stderr


def ask(file, sql):
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return database.execute(sql).fetchall()


def deploy(daemon, text):
    status, answer = daemon.ask("POST", "/api/v1/events", {"kind": "deploy", "text": text})
    assert status == 201, (status, answer)


def texts(daemon):
    return {event["text"] for event in daemon.events("deploy")}


def names(daemon):
    return [rule["name"] for rule in daemon.get("/api/v1/rules")["items"]]


def test_out_and_back():
    with tempfile.TemporaryDirectory(prefix="memtend-") as folder:
        daemon = Daemon(home=folder)
        file = pathlib.Path(folder) / "backup.db"
        with daemon:
            daemon.ask("PUT", "/api/v1/rules/kept", {"text": RULE})
            deploy(daemon, "before")
            assert memtend(daemon, "backup", file) == (0, "")
            # One file that stands alone, and has all that was acknowledged.
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert ask(file, "PRAGMA integrity_check") == [("ok",)]
            assert ask(file, "PRAGMA journal_mode") == [("delete",)]
            assert ask(file, "SELECT text FROM event WHERE kind = 'deploy'") == [("before",)]
            deploy(daemon, "after")
            daemon.ask("DELETE", "/api/v1/rules/kept")
            code, err = memtend(daemon, "restore", file)
            assert code == 1 and "memtendd runs" in err and "systemctl stop" in err, (code, err)
            assert texts(daemon) == {"before", "after"}
            code, err = memtend(daemon, "backup", file)
            assert code == 1 and "is there already" in err, (code, err)
            daemon.kill()  # its log holds what the file has not
            code, err = memtend(daemon, "restore", file)
            assert code == 0 and ".replaced now" in err, (code, err)
            daemon.start()
            assert texts(daemon) == {"before"} and names(daemon) == ["kept"]
            wait_for("storing", lambda: daemon.get("/api/v1/status")["store"]["state"] == "ok")
        aside = list(daemon.state.glob("memtend.db.*.replaced"))
        assert len(aside) == 1, aside
        assert ask(aside[0], "PRAGMA integrity_check") == [("ok",)]
        found = {row[0] for row in ask(aside[0], "SELECT text FROM event WHERE kind = 'deploy'")}
        assert found == {"before", "after"}, found
        # The way back of the way back.
        assert memtend(daemon, "restore", aside[0])[0] == 0
        with daemon:
            assert texts(daemon) == {"before", "after"} and names(daemon) == []


def test_bad_places():
    with Daemon() as daemon:
        deploy(daemon, "x")
        folder = daemon.home / "out"
        folder.mkdir()
        kept = folder / "kept"
        kept.write_text("kept")
        (folder / "link").symlink_to(kept)
        os.mkfifo(folder / "pipe")
        os.link(daemon.state / "memtend.db", folder / "second")
        for file, option, say in (
                (kept, [], "is there already"), (folder / "link", [], "is there already"),
                (folder, [], "is a directory"), (folder / "pipe", ["--force"], "not a plain file"),
                ("/dev/full", ["--force"], "not a plain file"),
                (folder / "no" / "file", [], "No such file"),
                (folder / "second", ["--force"], "the daemon's own database"),
                (daemon.state / "memtend.db", ["--force"], "the daemon's own"),
                (daemon.state / "memtend.db-wal", ["--force"], "the daemon's own")):
            code, err = memtend(daemon, "backup", file, *option)
            assert code == 1 and say in err, (file, code, err)
        assert memtend(daemon, "backup", "-")[0] == 2
        assert kept.read_text() == "kept"
        assert memtend(daemon, "backup", "--force", folder / "link")[0] == 0
        assert kept.read_text() == "kept" and not (folder / "link").is_symlink()
        assert not [name for name in os.listdir(folder) if name.startswith(".")]
        code, err = memtend(daemon, "backup", folder / "new")
        assert code == 0, err
        if pathlib.Path("/dev/shm").is_dir() and os.geteuid() == 0:
            os.chmod(daemon.home, 0o755)
            os.chmod(folder, 0o777)

            def other():
                os.setgid(65534)
                os.setuid(65534)
            code, err = memtend(daemon, "backup", folder / "other", preexec_fn=other)
            assert code == 4 and "only the user of the daemon" in err, (code, err)
            code, err = memtend(daemon, "restore", folder / "new", preexec_fn=other)
            assert code == 4, (code, err)


def test_no_room():
    """A file size limit stands for a full disk: nothing is left of the try."""
    with Daemon() as daemon:
        deploy(daemon, "x")
        wait_for("some pages", lambda: memtend(daemon, "backup", "--force", daemon.home / "b")[0]
                 == 0 and (daemon.home / "b").stat().st_size > 100_000)
        folder = daemon.home / "out"
        folder.mkdir()

        def limited():
            import resource
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
        code, err = memtend(daemon, "backup", folder / "file", preexec_fn=limited)
        assert code == 1 and "No space left" in err, (code, err)
        assert os.listdir(folder) == []


def test_killed_at_any_moment():
    """There is a whole file under the name, or none."""
    with Daemon() as daemon:
        for i in range(5):
            deploy(daemon, "x" * 200 + str(i))
        file = daemon.home / "out.db"
        whole = 0
        for i in range(24):
            process = subprocess.Popen([MEMTEND, "backup", str(file), "--state-dir",
                                        str(daemon.state)], stderr=subprocess.DEVNULL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.002 * i)
            process.kill()
            process.wait()
            if file.exists():
                assert ask(file, "PRAGMA integrity_check") == [("ok",)]
                assert ask(file, "SELECT count(*) FROM event WHERE kind = 'deploy'") == [(5,)]
                file.unlink()
                whole += 1
        if whole == 0 or whole == 24:
            print(f"note: {whole} of 24 were whole")


def test_daemon_stores_on_during_a_backup():
    """A copy that stands still holds the daemon's log, not the daemon."""
    with Daemon() as daemon:
        deploy(daemon, "first")
        with contextlib.closing(sqlite3.connect(daemon.state / "memtend.db",
                                                isolation_level=None)) as database:
            database.execute("BEGIN")  # what a backup holds while it copies
            database.execute("SELECT count(*) FROM event").fetchone()
            for i in range(5):
                deploy(daemon, f"meanwhile {i}")  # answered when it is on the disk
            assert daemon.get("/api/v1/status")["store"]["state"] == "ok"
            assert (daemon.state / "memtend.db-wal").stat().st_size <= 16 << 20
            database.execute("COMMIT")


def test_owner_after_restore_by_root():
    if os.geteuid() != 0:
        skip("only root restores for somebody else")
    with tempfile.TemporaryDirectory(prefix="memtend-") as folder:
        daemon = Daemon(home=folder)
        file = pathlib.Path(folder) / "backup.db"
        with daemon:
            assert memtend(daemon, "backup", file)[0] == 0
        for path in [daemon.state, *daemon.state.iterdir()]:
            os.chown(path, 4711, 4712)
        (daemon.state / "lock").unlink()
        assert memtend(daemon, "restore", file)[0] == 0
        for name in ("memtend.db", "lock"):
            status = (daemon.state / name).stat()
            assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) \
                == (4711, 4712, 0o600), name


if __name__ == "__main__":
    run([test_out_and_back, test_bad_places, test_no_room, test_killed_at_any_moment,
         test_daemon_stores_on_during_a_backup, test_owner_after_restore_by_root])
