#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""memtend.db is another program's database: the daemon lives without it and does not touch it."""
import hashlib
import sqlite3
import tempfile

from house import Daemon, run, wait_for


def digests(folder):
    """{name: digest} of the database and all beside it."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.glob("memtend.db*")}


def test_foreign_database_is_refused_untouched():
    with tempfile.TemporaryDirectory(prefix="memtend-") as folder:
        daemon = Daemon(home=folder)
        daemon.state.mkdir()
        with sqlite3.connect(daemon.state / "memtend.db") as database:
            database.executescript("PRAGMA journal_mode=WAL; CREATE TABLE songs (name);"
                                   "INSERT INTO songs VALUES ('x')")
        database.close()
        before = digests(daemon.state)
        assert list(before) == ["memtend.db"], before
        with daemon:
            store = daemon.get("/api/v1/status")["store"]
            assert store["state"] == "degraded", store
            detail = str(store)
            assert "another program's database" in detail and "memtend.db" in detail, store
            said = daemon.memtend("status").stdout
            assert "another program's database" in said, said
            # Sampling goes on; what is asked of history says that there is none.
            wait_for("processes", lambda: daemon.get("/api/v1/processes?limit=1")["items"])
            status, _ = daemon.ask("GET", "/api/v1/series?target=host&metric=mem.free")
            assert status == 503, status
            assert digests(daemon.state) == before
            # Moved away: storing begins by itself.
            (daemon.state / "memtend.db").rename(daemon.state / "songs.db")
            wait_for("the store", lambda: daemon.get("/api/v1/status")["store"]["state"] == "ok")
            wait_for("history", lambda: daemon.ask(
                "GET", "/api/v1/series?target=host&metric=mem.free")[0] == 200)
        assert hashlib.sha256((daemon.state / "songs.db").read_bytes()).hexdigest() \
            == before["memtend.db"]


def test_empty_file_is_ours():
    with tempfile.TemporaryDirectory(prefix="memtend-") as folder:
        daemon = Daemon(home=folder)
        daemon.state.mkdir()
        (daemon.state / "memtend.db").touch(mode=0o600)
        with daemon:
            assert daemon.get("/api/v1/status")["store"]["state"] == "ok"


if __name__ == "__main__":
    run([test_foreign_database_is_refused_untouched, test_empty_file_is_ours])
