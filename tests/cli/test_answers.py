# SPDX-License-Identifier: MIT
"""Every reading command against good, hostile, twisted, broken and slow answers."""

import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from case import MEMTEND, environment, main, memtend
from fake_daemon import FakeDaemon, problem
from shapes import (EVENTS, HOST, PROCESS, RECEIPT, RULE, SERIES, STATUS, TOP, WINDOW,
                    listing, poisoned, twisted)

# command, path that it asks, a good answer
READS = [
    (["status"], "/api/v1/status", STATUS),
    (["host"], "/api/v1/host", HOST),
    (["ps"], "/api/v1/processes", listing(PROCESS)),
    (["events"], "/api/v1/events", listing(*EVENTS)),
    (["receipts"], "/api/v1/actions", listing(RECEIPT)),
    (["receipts", "20261122-1"], "/api/v1/actions/20261122-1", RECEIPT),
    (["rules"], "/api/v1/rules", listing(RULE)),
    (["query", "4711", "rss"], "/api/v1/series", SERIES),
    (["query", "top"], "/api/v1/top", listing(TOP)),
    (["query", "around", "412"], "/api/v1/events/412/window", WINDOW),
]


def each(answer_of, check):
    for command, path, good in READS:
        with FakeDaemon() as daemon:
            daemon.answer("GET", "/api/v1/status", STATUS)
            daemon.answer("GET", path, answer_of(good))
            check(daemon, command, good)


def test_good():
    def check(daemon, command, good):
        assert daemon.memtend(*command, code=0).out, command
        said = daemon.memtend(*command, "--json", code=0)
        got = said.lines() if command[0] == "events" else said.json()
        assert got == (list(reversed(EVENTS)) if command[0] == "events" else good), said
    each(lambda good: good, check)


def test_hostile_texts():
    def check(daemon, command, good):
        said = daemon.memtend(*command)
        assert "vil" in said.out or command[0] == "host", said
        assert "\x1b" not in daemon.memtend(*command, "--json").out
    each(poisoned, check)


def test_hostile_json_means_the_same():
    evil = poisoned(PROCESS)
    with FakeDaemon() as daemon:
        daemon.answer("GET", "/api/v1/status", STATUS)
        daemon.answer("GET", "/api/v1/processes", listing(evil))
        assert daemon.memtend("ps", "--json", code=0).json() == listing(evil)


def test_wrong_types():
    for other in ("text", -5, 1e300, 2**62, True, None, [], {}, [[]], [{"a": [1]}]):
        def check(daemon, command, good):
            said = daemon.memtend(*command)
            assert said.code in (0, 1), said
            daemon.memtend(*command, "--json")
        each(lambda good, other=other: twisted(good, other), check)


def test_no_object():
    for answer in (b"", b"[]", b"nonsense", b"{", b'"text"', b"\xff\xfe", b'{"a":1,"a":2}',
                   b"[" * 100000, b'{"items":' * 5000):
        def check(daemon, command, good):
            said = daemon.memtend(*command, code=1)
            assert "JSON" in said.err and "try:" in said.err, said
            assert said.out == "", said
        each(lambda good, answer=answer: answer, check)


def test_problems():
    table = [(400, "bad", 2), (401, "unauthorized", 4), (403, "forbidden", 4), (422, "bad", 2),
             (409, "conflict", 1), (429, "slow", 1), (500, "internal", 1), (503, "unavailable", 1)]
    for status, slug, code in table:
        def check(daemon, command, good):
            said = daemon.memtend(*command, code=code)
            assert "the detail" in said.err and said.out == "", said
        each(lambda good, s=status, g=slug: problem(s, g, "the detail\x1b[1m\nmore"), check)


def test_problem_without_body():
    def check(daemon, command, good):
        said = daemon.memtend(*command, code=1)
        assert "503" in said.err, said
    each(lambda good: (503, b"<html>"), check)


def test_no_daemon():
    with tempfile.TemporaryDirectory(prefix="memtend-cli-") as folder:
        for command in (["status"], ["events"], ["free", "1"], ["rules"], ["pause"], ["open"]):
            said = memtend("--runtime-dir", folder, *command, code=3)
            assert folder in said.err and "try:" in said.err and said.out == "", said


def test_no_daemon_anywhere_names_all_places():
    with tempfile.TemporaryDirectory(prefix="memtend-cli-") as folder:
        env = {"HOME": folder, "XDG_RUNTIME_DIR": folder + "/r", "XDG_STATE_HOME": folder + "/s"}
        if pathlib.Path("/run/memtend/http.sock").exists():
            return
        said = memtend("status", env=env, code=3)
        for place in ("/r/memtend/http.sock", "/s/memtend/run/http.sock", "/run/memtend/http.sock"):
            assert place in said.err, said


def test_user_socket_comes_first():
    with FakeDaemon() as daemon:
        daemon.answer("GET", "/api/v1/status", STATUS)
        (daemon.home / "memtend").symlink_to(daemon.runtime)
        memtend("status", env={"XDG_RUNTIME_DIR": str(daemon.home)}, code=0)
        assert len(daemon.requests) == 1


def test_dead_socket():
    with tempfile.TemporaryDirectory(prefix="memtend-cli-") as folder:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(folder + "/http.sock")
        said = memtend("--runtime-dir", folder, "status", code=3)
        assert "refused" in said.err, said


def test_path_too_long():
    said = memtend("--runtime-dir", "/tmp/" + "x" * 120, "status", code=2)
    assert "107" in said.err, said
    memtend("--runtime-dir", "/tmp/" + "x" * 5000, "status", code=2)
    memtend("--runtime-dir", "/tmp/" + "x" * 5000, "ps", code=2)


def test_proxy_is_ignored():
    with FakeDaemon() as daemon:
        daemon.answer("GET", "/api/v1/status", STATUS)
        daemon.memtend("status", env={"http_proxy": "http://127.0.0.1:9"}, code=0)


def test_server_that_hangs_up():
    with tempfile.TemporaryDirectory(prefix="memtend-cli-") as folder, \
            socket.socket(socket.AF_UNIX) as server:
        server.bind(folder + "/http.sock")
        server.listen()

        answers = [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", b"\0" * 99]

        def hang_up():
            left = list(answers)
            while left:
                connection, _ = server.accept()
                with connection:
                    if connection.recv(4096):  # else it only looked whether somebody is there
                        connection.sendall(left.pop(0))
        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        for _ in answers:
            said = memtend("--runtime-dir", folder, "status", code=1)
            assert "try:" in said.err, said
        thread.join(10)
        assert not thread.is_alive()


def test_answer_too_large():
    with FakeDaemon() as daemon:
        daemon.answer("GET", "/api/v1/status", b" " * (33 << 20))
        said = daemon.memtend("status", code=1)
        assert "larger" in said.err, said


def test_slow_answer():
    def slow(_request):
        time.sleep(2)
        return STATUS
    with FakeDaemon() as daemon:
        daemon.answer("GET", "/api/v1/status", slow)
        said = daemon.memtend("status", code=0)
        assert said.err == "", said  # stderr is no terminal: no waiting line


def test_full_disk():
    with FakeDaemon() as daemon, open("/dev/full", "wb") as full:
        daemon.answer("GET", "/api/v1/status", STATUS)
        done = subprocess.run([MEMTEND, "status"], stdout=full, stderr=subprocess.PIPE, check=False,
                              env=environment({"MEMTEND_RUNTIME_DIR": str(daemon.runtime)}))
        assert done.returncode == 1 and b"cannot write" in done.stderr, done


if __name__ == "__main__":
    main()
