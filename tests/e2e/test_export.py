#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""memtend export: what the real daemon stored, out as CSV, JSON lines and SQLite."""
import contextlib
import csv
import datetime
import io
import json
import os
import pty
import select
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time

from house import BUILD, Daemon, run, skip, wait_for

MEMTEND = str(BUILD / "bin" / "memtend")
HOSTILE = 'a,"b\n=1'  # comm of a process


def memtend(daemon, *arguments, **options):
    """(exit code, stdout, stderr) with the daemon's directories."""
    done = subprocess.run([MEMTEND, *map(str, arguments)], capture_output=True, check=False,
                          env={**os.environ, "MEMTEND_RUNTIME_DIR": str(daemon.runtime)},
                          timeout=60, **options)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def export(daemon, *arguments):
    code, out, err = memtend(daemon, "export", "--state-dir", daemon.state, *arguments)
    assert code == 0, (code, err)
    return out


def ticks_of(daemon, pid):
    """How many rows of a process there are yet."""
    code, out, err = memtend(daemon, "export", "--csv", "--state-dir", daemon.state, pid)
    assert code in (0, 5), (code, err)
    return len(rows_of(out)) if code == 0 else 0


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


@contextlib.contextmanager
def hostile(name=HOSTILE):
    """A process with a name that a table of values could be torn by."""
    code = ("import ctypes, sys, time; ctypes.CDLL(None).prctl(15, sys.argv[1].encode());"
            "print('.', flush=True); time.sleep(600)")
    with subprocess.Popen([sys.executable, "-c", code, name], stdout=subprocess.PIPE) as process:
        try:
            process.stdout.read(1)
            yield process.pid
        finally:
            process.kill()


def series(daemon, pid, metric, since):
    answer = daemon.get(f"/api/v1/series?target={pid}&metric={metric}&from={since}"
                        f"&points=2000&agg=last")
    points = [series["points"] for series in answer["series"]]
    return {msec: value for msec, value in (points[0] if points else []) if value is not None}


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_three_shapes_of_the_same():
    with Daemon() as daemon, hostile() as pid:
        wait_for("rows", lambda: ticks_of(daemon, pid) >= 15)
        # Killed: the last ticks are in hot rows only, and in the log.
        daemon.kill()
        table = rows_of(export(daemon, "--csv"))
        mine = [row for row in table if row["pid"] == str(pid)]
        assert len(mine) >= 15 and len(table) > len(mine)
        assert {row["comm"] for row in mine} == {mine[0]["comm"]}
        assert mine[0]["comm"].startswith('a,"b'), mine[0]
        assert all(None not in row and None not in row.values() for row in table), "torn lines"
        assert all(row["rss_bytes"] != "0" or row["pss_bytes"] != "" for row in mine)
        assert all(row["heap_free_bytes"] == "" for row in mine), "never 0 when it is not known"
        lines = [json.loads(line) for line in export(daemon, "--jsonl").splitlines()]
        assert len(lines) == len(table)
        for row, line in zip(table, lines):
            known = {name: value for name, value in row.items() if value != ""}
            assert known.keys() == line.keys(), (known, line)
            for name, value in known.items():
                assert str(line[name]) == value or float(value) == float(line[name]), (name, row)
        file = daemon.home / "plain.db"
        assert export(daemon, "--sqlite", "-o", file) == ""
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        with contextlib.closing(sqlite3.connect(file)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            database.row_factory = sqlite3.Row
            stored = database.execute(
                "SELECT time, tick, boot, process.process AS id, pid, uid, comm, name, unit, group_name,"
                " sample.* FROM sample JOIN process ON process.id = sample.process"
                " ORDER BY sample.rowid").fetchall()
        assert len(stored) == len(table)
        for row, line in zip(stored, table):
            for name, value in line.items():
                same = row[name] is None if value == "" and name not in ("name", "unit", "group_name") \
                    else str(row[name]) == value or float(row[name]) == float(value)
                assert same, (name, row[name], value)
        daemon.start()


def test_no_name_is_a_formula():
    """A spreadsheet that opens the file calculates nothing that a process chose as its name."""
    with Daemon() as daemon, hostile("=1+cmd|'/c x'!A") as pid:
        wait_for("rows", lambda: ticks_of(daemon, pid) >= 2)
        rows = rows_of(export(daemon, "--csv", pid))
        assert {row["comm"] for row in rows} == {"'=1+cmd|'/c x'!A"}, rows[0]
        lines = [json.loads(line) for line in export(daemon, "--jsonl", pid).splitlines()]
        assert {line["comm"] for line in lines} == {"=1+cmd|'/c x'!A"}, lines[0]


def test_rows_are_what_series_says():
    with Daemon() as daemon, hostile() as pid:
        wait_for("rows", lambda: ticks_of(daemon, pid) >= 20)
        since = rows_of(export(daemon, "--csv", pid))[0]["time"]
        rows = rows_of(export(daemon, "--csv", "--since", since, pid))
        known = series(daemon, pid, "rss_bytes", since)
        values, mine = set(known.values()), {int(row["rss_bytes"]) for row in rows if row["rss_bytes"]}
        # A tick that came a little early shares the step of the series with the one before it.
        assert values and values <= mine and len(known) >= len(rows) // 2, (known, rows)
        # A part of it: what is asked for and no tick more.
        cut = rows[5]["time"]
        tail = rows_of(export(daemon, "--csv", "--since", cut, pid))
        assert tail[0]["tick"] == rows[5]["tick"], (tail[0], rows[5])
        head = rows_of(export(daemon, "--csv", "--until", cut, pid))
        assert head[-1]["tick"] == rows[4]["tick"]
        assert rows_of(export(daemon, "--csv", "--since", "1h", pid))[0]["tick"] == rows[0]["tick"]
        ticks = [int(row["tick"]) for row in rows]
        assert ticks == sorted(set(ticks))


def wal_bytes(daemon):
    with contextlib.suppress(FileNotFoundError):
        return (daemon.state / "memtend.db-wal").stat().st_size
    return 0


def test_a_reader_that_stops():
    """Nothing is held while the pipe is full: the daemon's log is folded as ever."""
    with Daemon() as daemon, hostile():
        wait_for("more than a pipe holds",
                 lambda: len(export(daemon, "--csv")) > 200_000, 90, every=1)
        reading, writing = os.pipe()
        process = subprocess.Popen([MEMTEND, "export", "--csv", "--state-dir", str(daemon.state)],
                                   stdout=writing, stderr=subprocess.PIPE)
        os.close(writing)
        try:
            os.read(reading, 1)
            with contextlib.closing(sqlite3.connect(daemon.state / "memtend.db")) as database:
                # Folded in whole, which any transaction under way would forbid.
                wait_for("a log that begins anew", lambda: database.execute(
                    "PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0, 30)
            assert process.poll() is None, "it is still waiting for its reader"
            assert wal_bytes(daemon) <= 16 << 20
            os.close(reading)
            _, err = process.communicate(timeout=30)
            assert process.returncode == 1 and b"Broken pipe" in err, (process.returncode, err)
            assert err.count(b"\n") == 1, err
        finally:
            process.kill()
            process.wait()


def test_bad_places():
    with Daemon() as daemon:
        wait_for("rows", lambda: rows_of(export(daemon, "--csv")))
        folder = daemon.home / "out"
        folder.mkdir()

        def refused(*arguments, say, code=1):
            got, out, err = memtend(daemon, "export", "--state-dir", daemon.state, *arguments)
            assert got == code and say in err and out == "", (arguments, got, out, err)
            assert not [name for name in os.listdir(folder) if name.startswith(".")]
        kept = folder / "kept"
        kept.write_text("kept")
        link = folder / "link"
        link.symlink_to(kept)
        dangling = folder / "dangling"
        dangling.symlink_to(folder / "nowhere")
        for kind in ("--csv", "--jsonl", "--sqlite"):
            for file in (kept, link, dangling):
                refused(kind, "-o", file, say="is there already")
            refused(kind, "-o", folder, say="is a directory")
            refused(kind, "-o", folder / "no" / "where", say="No such file")
            for name in ("memtend.db", "memtend.db-wal", "memtend.rules-copy", "memtend.db-new"):
                refused(kind, "--force", "-o", daemon.state / name, say="the daemon's own")
        assert kept.read_text() == "kept"
        second = folder / "second"
        os.link(daemon.state / "memtend.db", second)
        refused("--csv", "--force", "-o", second, say="the daemon's own database")
        second.unlink()
        refused("--csv", "-o", "/dev/full", say="No space left")
        refused("--sqlite", "-o", "/dev/full", say="not a plain file")
        refused("--sqlite", say="needs a file", code=2)
        refused("--sqlite", "-o", "-", say="standard output", code=2)
        refused(say="one of --csv", code=2)
        refused("--csv", "--jsonl", say="one of --csv", code=2)
        refused("--csv", "--since", "yesterday", say="2026-11-22T", code=2)
        refused("--csv", "--since", "1h", "--until", "2h", say="before --until", code=2)
        refused("--csv", "host", say="only processes", code=2)
        refused("--csv", "999999", say="no process 999999", code=5)
        refused("--csv", "--force", "-o", "", say="FILE is empty", code=2)
        # --force replaces the link, never what it points to.
        export(daemon, "--csv", "--force", "-o", link)
        assert kept.read_text() == "kept" and not link.is_symlink()
        assert rows_of(link.read_text())
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([MEMTEND, "export", "--csv", "--state-dir", str(daemon.state)],
                                  stdout=full, stderr=subprocess.PIPE, check=False, text=True)
        assert done.returncode == 1 and "No space left" in done.stderr, done
        # A pipe by name is written as it comes.
        pipe = folder / "pipe"
        os.mkfifo(pipe)
        taken = []
        taker = threading.Thread(target=lambda: taken.append(pipe.read_text()))
        taker.start()
        export(daemon, "--csv", "-o", pipe)
        taker.join(30)
        assert rows_of(taken[0])
        code, _, err = memtend(daemon, "export", "--csv", "--state-dir", folder)
        assert code == 1 and "no memtend.db" in err, (code, err)


def test_two_at_once_and_a_kill():
    with Daemon() as daemon:
        wait_for("rows", lambda: rows_of(export(daemon, "--csv")))
        file = daemon.home / "out.db"
        command = [MEMTEND, "export", "--sqlite", "-o", str(file), "--state-dir", str(daemon.state)]
        both = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
        said = [process.communicate(timeout=60)[1] for process in both]
        codes = sorted(process.returncode for process in both)
        assert codes == [0, 1, 1, 1], (codes, said)
        with contextlib.closing(sqlite3.connect(file)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        # Killed: not under its name.
        file.unlink()
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        process.kill()
        process.wait()
        assert not file.exists()


def test_other_users_are_refused():
    if os.geteuid() != 0:
        skip("only root can become another user")
    with Daemon() as daemon:
        wait_for("rows", lambda: rows_of(export(daemon, "--csv")))
        os.chmod(daemon.home, 0o755)

        def other():
            os.setgid(65534)
            os.setuid(65534)
        code, out, err = memtend(daemon, "export", "--csv", "--state-dir", daemon.state,
                                 preexec_fn=other)
        assert code == 4 and out == "" and "only the user of the daemon" in err, (code, out, err)


def test_progress_on_a_terminal():
    with Daemon() as daemon:
        wait_for("rows", lambda: len(export(daemon, "--csv")) > 300_000, 90, every=1)
        master, slave = pty.openpty()
        reading, writing = os.pipe()
        process = subprocess.Popen([MEMTEND, "export", "--csv", "--state-dir", str(daemon.state)],
                                   stdout=writing, stderr=slave)
        os.close(slave)
        os.close(writing)
        seen = b""
        with open(reading, "rb", buffering=0) as pipe:
            time.sleep(1.2)  # not a wait for anything: progress is for what takes over a second
            while pipe.read(16384):
                pass
        process.wait(60)
        while select.select([master], [], [], 0.2)[0]:
            try:
                seen += os.read(master, 4096)
            except OSError:
                break
        os.close(master)
        assert process.returncode == 0 and b"exporting " in seen and b" %" in seen, seen


if __name__ == "__main__":
    run([test_three_shapes_of_the_same, test_no_name_is_a_formula, test_rows_are_what_series_says,
         test_a_reader_that_stops, test_bad_places, test_two_at_once_and_a_kill,
         test_other_users_are_refused, test_progress_on_a_terminal])
