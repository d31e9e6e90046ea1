#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The real daemon, killed at random moments: its file is sound, and every event that it acknowledged
is there.

100 kills; MEMTEND_LONG=1: 10,000; MEMTEND_KILLS: another number; MEMTEND_SEED: others."""
import http.client
import os
import random
import sqlite3
import subprocess
import tempfile
import threading
import time

from house import Daemon, run

KILLS = int(os.environ.get("MEMTEND_KILLS", 10000 if os.environ.get("MEMTEND_LONG") == "1" else 100))
SEED = int(os.environ.get("MEMTEND_SEED", time.time_ns() % 1000000))


class Poster(threading.Thread):
    """Posts events, one after the other, until the daemon is gone."""

    def __init__(self, daemon, number):
        super().__init__(daemon=True)
        self.house, self.number, self.acked = daemon, number, []

    def run(self):
        while self.house.process.poll() is None:
            text = f"release {self.number}.{len(self.acked)}"
            try:
                status, event = self.house.ask("POST", "/api/v1/events",
                                               {"kind": "deploy", "text": text})
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)  # not up yet, or gone
                continue
            if status == 201 and event["durable"]:
                self.acked.append((event["id"], text))


def look(daemon, acked):
    """Integrity, and what is missing of the acknowledged."""
    path = daemon.state / "memtend.db"
    if not path.exists():
        return [("no file", "")] if acked else []
    database = sqlite3.connect(path)
    try:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not acked:
            return []
        stored = dict(database.execute("SELECT id, text FROM event"))
    finally:
        database.close()
    return [(id, text) for id, text in acked if stored.get(int(id)) != text]


def test_kills():
    print(f"seed {SEED}")
    chance, acked, fruitful = random.Random(SEED), [], 0
    with tempfile.TemporaryDirectory(prefix="memtend-") as folder:
        daemon = Daemon(home=folder)
        for number in range(KILLS):
            with open(daemon.log, "ab") as log:
                daemon.process = subprocess.Popen(daemon.command, stdin=subprocess.DEVNULL,
                                                  stdout=log, stderr=log)
            poster = Poster(daemon, number)
            poster.start()
            # Some while it starts, most after it has acknowledged something.
            deadline = time.monotonic() + 30
            while number % 5 and not poster.acked and time.monotonic() < deadline:
                assert daemon.process.poll() is None, daemon.log.read_text()[-4000:]
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.25))
            assert daemon.process.poll() is None, daemon.log.read_text()[-4000:]
            daemon.kill()
            poster.join(60)
            fruitful += bool(poster.acked)
            acked += poster.acked
            missing = look(daemon, acked)
            assert not missing, (number, missing[:5])
        assert not list(daemon.state.glob("memtend.db.*")), "a file was set aside"
    assert fruitful > KILLS // 2, fruitful
    print(f"TOTAL: {KILLS} kills, {len(acked)} events acknowledged, none lost, every file sound")


run([test_kills])
