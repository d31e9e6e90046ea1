#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a local user without rights tries against a daemon that others rely on."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from house import (BUILD, Daemon, Program, UnixConnection, hello_seconds, many_agents, run, skip,
                   wait_for)

STRANGER = 12345  # a uid that owns nothing


@contextlib.contextmanager
def processes(count, *arguments, script="import time; time.sleep(600)"):
    """As many small processes with these arguments."""
    with contextlib.ExitStack() as stack:
        started = []
        for _ in range(count):
            process = stack.enter_context(subprocess.Popen(
                [sys.executable, "-S", "-E", "-c", script, *arguments],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
            stack.callback(process.kill)
            started.append(process)
        yield started


def ticks_pass(daemon, count, seconds=60):
    first = daemon.get("/api/v1/status")["ticks"]
    wait_for(f"{count} ticks", lambda: daemon.get("/api/v1/status")["ticks"] >= first + count,
             seconds)


def test_dear_command_lines():
    """Each byte of the line begins a match that never ends: the loop must not pay for it."""
    with Daemon() as daemon, processes(40, "a" * 4000) as started:
        for process in started:
            wait_for("its command line", lambda pid=process.pid: (
                daemon.process_of(pid) or {}).get("cmdline"))
        for number in range(10):
            status, _ = daemon.ask("PUT", f"/api/v1/rules/r{number}", {
                "text": f'rule r{number} for each process where cmdline ~ "a.*b{number}":\n'
                        "  when rss > 30 GiB\n  then trim"})
            assert status == 201, status
        ticks_pass(daemon, 5, 30)


def ask_as_stranger(daemon, requests):
    """[(status, headers and body)] of (method, path, body) on the socket, made reachable."""
    if os.geteuid() != 0:
        skip("only root can ask as another user")
    os.chmod(daemon.home, 0o755)
    os.chmod(daemon.runtime / "http.sock", 0o666)
    with tempfile.TemporaryFile("w+", encoding="utf-8") as answers:
        child = os.fork()  # not exec: a stranger may not even reach this interpreter
        if child == 0:
            try:
                os.setgroups([])
                os.setresgid(STRANGER, STRANGER, STRANGER)
                os.setresuid(STRANGER, STRANGER, STRANGER)
                json.dump([ask_raw(daemon, *request) for request in requests], answers)
                answers.flush()
            except Exception:  # told by the empty file as well
                traceback.print_exc()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        answers.seek(0)
        return json.load(answers)


def ask_raw(daemon, method, path, body=None):
    with contextlib.closing(UnixConnection(daemon.runtime / "http.sock")) as connection:
        headers = {} if body is None else {"Content-Type": "application/json"}
        # What is refused by its headers is answered before the body has been sent.
        with contextlib.suppress(BrokenPipeError):
            connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, repr(answer.getheaders()) + answer.read().decode()


def test_strangers_see_and_do_nothing():
    with Daemon() as daemon, Program(daemon, "cycles.py", 5, name="hidden-name") as program:
        process = daemon.wait_agent(program.pid)
        with processes(1) as (ended,):
            ended_id = wait_for("it", lambda: daemon.process_of(ended.pid))["id"]
            ticks_pass(daemon, 3)
        _, receipt = daemon.act(process["id"], "collect")
        rule = {"text": "rule hidden-rule for each process: when rss > 30 GiB then trim"}
        assert daemon.ask("PUT", "/api/v1/rules/hidden-rule", rule)[0] == 201
        wait_for("the end in the store", lambda: daemon.process_of(ended.pid) is None)
        series = f"/api/v1/series?target={ended_id}&metric=rss"
        assert daemon.get(series)["series"], "the test asks for what exists"
        largest = {item["id"]: item["ended"] for item in daemon.get("/api/v1/top?limit=1000")["items"]}
        assert largest[ended_id] and not largest[process["id"]], "who is gone is told of, and that it is"
        secrets = ["hidden", process["id"], ended_id, receipt["id"], "cycles"]
        reads = ["/metrics", "/api/v1/status", "/api/v1/processes?limit=1000",
                 "/api/v1/processes?q=hidden", f"/api/v1/processes/{process['id']}",
                 f"/api/v1/processes/pid:{program.pid}", "/api/v1/actions?limit=1000",
                 f"/api/v1/actions/{receipt['id']}", "/api/v1/events", "/api/v1/audit",
                 "/api/v1/rules", "/api/v1/rules/hidden-rule", series,
                 f"/api/v1/series?target={process['id']}&metric=rss",
                 f"/api/v1/series?target=pid:{program.pid}&metric=rss",
                 f"/api/v1/series?target=host,{ended_id}&metric=rss",
                 "/api/v1/series?target=group:hidden-name&metric=rss",
                 "/api/v1/top?limit=1000", "/api/v1/top?metric=pss&order=average&limit=1000"]
        for path, (_, text) in zip(reads, ask_as_stranger(daemon, [("GET", path)
                                                                   for path in reads])):
            for secret in secrets:
                # What was asked for may be said again.
                assert secret in path or secret not in text, (path, secret, text)
            assert "points" not in text, (path, text)
        changes = [["POST", "/api/v1/actions", {"target": target, "steps": ["trim"]}]
                   for target in (process["id"], f"pid:{program.pid}", "group:hidden-name",
                                  f"pid:{daemon.process.pid}", "host")]
        changes += [["PUT", "/api/v1/rules/hidden-rule", rule], ["POST", "/api/v1/pause", {}],
                    ["POST", "/api/v1/rules/hidden-rule/arm", {}], ["POST", "/api/v1/resume", {}],
                    ["POST", "/api/v1/rules/check", rule], ["POST", "/api/v1/session", {}],
                    ["POST", "/api/v1/events", {"kind": "deploy", "text": "v1"}],
                    ["DELETE", "/api/v1/rules/hidden-rule", None]]
        for change, (status, text) in zip(changes, ask_as_stranger(daemon, changes)):
            assert status == 403, (change, status, text)
        assert len(daemon.receipts()) == 1
        assert not daemon.get("/api/v1/status")["paused"]


# Becomes somebody and root again without exec, at a word; it keeps the capability for the way back.
SHAPE_SHIFTER = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
class Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]
class Rights(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32),
                ("inheritable", ctypes.c_uint32)]
SETUID = 1 << 7
for line in sys.stdin:
    uid = int(line)
    if uid != 0:
        libc.prctl(8, 1, 0, 0, 0)  # PR_SET_KEEPCAPS
    os.setresuid(uid, uid, uid)
    if uid != 0:
        rights = (Rights * 2)(Rights(SETUID, SETUID, 0))
        assert libc.capset(ctypes.byref(Header(0x20080522, 0)), rights) == 0
    print("done", flush=True)
"""


def test_a_uid_that_was_yours():
    """The table learns of a change of uid within 10 s; who may act is asked of the kernel."""
    if os.geteuid() != 0:
        skip("only root can start a program that becomes another user's")
    with Daemon(config="") as daemon, subprocess.Popen(
            [sys.executable, "-c", SHAPE_SHIFTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, bufsize=1) as shifter:
        def become(uid):
            shifter.stdin.write(f"{uid}\n")
            assert shifter.stdout.readline() == "done\n"

        become(STRANGER)
        found = wait_for("its uid", lambda: (one := daemon.process_of(shifter.pid))
                         and one["uid"] == STRANGER and one)
        act = {"target": found["id"], "steps": ["trim"]}
        path = f"/api/v1/processes/{found['id']}"
        questions = [("POST", "/api/v1/actions", act), ("GET", f"{path}/ledger"),
                     ("GET", f"{path}/agent"), ("GET", f"{path}/verdict")]
        for question, (status, text) in zip(questions, ask_as_stranger(daemon, questions)):
            assert status != 403, (question, status, text)
        become(0)
        answers = ask_as_stranger(daemon, questions)
        for question, (status, text) in zip(questions, answers):
            assert status == 403, (question, status, text)
        # And what is its own again is so at once, as far as the answer needs no table.
        become(STRANGER)
        wait_for("its own again", lambda: ask_as_stranger(daemon, questions[:1])[0][0] != 403)


def test_history_belongs_to_the_last_owner():
    if os.geteuid() != 0:
        skip("only root can start a program that becomes another user's")
    script = ("import os, sys\n"
              "sys.stdin.readline()\n"
              f"os.setresuid({STRANGER}, {STRANGER}, {STRANGER})\n"
              "sys.stdin.readline()\n")
    with Daemon() as daemon:
        with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as process:
            found = wait_for("it", lambda: daemon.process_of(process.pid))
            assert found["uid"] == 0, found
            process.stdin.write(b"go\n")
            process.stdin.flush()
            wait_for("its new uid",
                     lambda: (daemon.process_of(process.pid) or {}).get("uid") == STRANGER)
            ticks_pass(daemon, 2)
        wait_for("its end", lambda: daemon.process_of(process.pid) is None)
        path = f"/api/v1/series?target={found['id']}&metric=rss"
        wait_for("its history for its owner",
                 lambda: "points" in ask_as_stranger(daemon, [("GET", path)])[0][1])


def refused(folder, saying):
    """memtendd with its directories in this folder ends by itself and says why."""
    result = subprocess.run(
        [str(BUILD / "bin" / "memtendd"), "--state-dir", str(folder / "state"), "--runtime-dir",
         str(folder / "run"), "--http", "127.0.0.1:0"],
        capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1 and saying in result.stderr, result


def test_a_token_that_is_no_secret():
    with tempfile.TemporaryDirectory(prefix="memtend-") as name:
        folder = pathlib.Path(name)
        (folder / "state").mkdir(mode=0o700)
        token = folder / "state" / "token"
        token.write_text("a" * 64, encoding="utf-8")
        for mode in (0o644, 0o640, 0o606):
            token.chmod(mode)
            refused(folder, "is open to other users")
        if os.geteuid() == 0:
            token.chmod(0o600)
            os.chown(token, STRANGER, STRANGER)
            refused(folder, "belongs to another user")
        token.unlink()
        os.mkfifo(token, 0o600)  # nobody writes to it: reading would wait for ever
        refused(folder, "is not a plain file")
        token.unlink()
        token.symlink_to(folder / "elsewhere")
        refused(folder, "is not a plain file")
        assert not (folder / "elsewhere").exists()


def test_directories_of_everybody():
    with tempfile.TemporaryDirectory(prefix="memtend-") as name:
        folder = pathlib.Path(name)
        for part in ("state", "run"):
            (folder / part).mkdir()
            (folder / part).chmod(0o777)
            refused(folder, f"every user may write into {folder / part}")
            (folder / part).chmod(0o755)



# ---- at the agents' socket ----

HELLO = {"t": "hello", "v": 1, "name": "", "runtime": "", "allocator": "glibc 2.36",
         "caps": ["malloc", "trim"], "ppid": 1, "forked": False, "fork_ppid": 0, "fork_count": 0}
# A tick is late when the loop does more than a tick's work for others. Far above what is seen on a
# machine that other tests use, far below what a loop that is kept busy would show.
LATE_SECONDS = 0.5


def line(message):
    return json.dumps(message).encode() + b"\n"


def control_socket(daemon):
    return str(daemon.runtime / "agent" / "control.sock")


class Crowd:
    """Forked processes, of a stranger when we are root; each runs script(number) and stays until
    the end: with Crowd(daemon, 10, script) as crowd: ..."""

    def __init__(self, daemon, count, script, uid=STRANGER):
        self.pids = []
        if os.geteuid() == 0:
            for path in (daemon.home, daemon.runtime, daemon.runtime / "agent"):
                os.chmod(path, 0o755)
        reader, self.writer = os.pipe()
        ready, told = os.pipe()
        for number in range(count):
            pid = os.fork()
            if pid == 0:
                try:
                    os.close(self.writer)
                    if os.geteuid() == 0:
                        os.setresuid(uid, uid, uid)
                    kept = script(number)
                    os.write(told, b".")
                    os.read(reader, 1)  # until the parent has closed its end
                    del kept
                except BaseException:
                    traceback.print_exc()
                    os.write(told, b"!")
                finally:
                    os._exit(0)
            self.pids.append(pid)
        os.close(told)
        os.close(reader)
        said = [os.read(ready, 1) for _ in range(count)]
        os.close(ready)
        if said != [b"."] * count:
            self.__exit__()
            raise AssertionError("a process of the crowd failed")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.writer)
        for pid in self.pids:
            os.waitpid(pid, 0)


def connect(daemon):
    connection = socket.socket(socket.AF_UNIX)
    # Not settimeout() before: a full queue would be an error at once, instead of a wait.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 60, 0))
    connection.connect(control_socket(daemon))
    connection.settimeout(60)
    return connection


def says(daemon, *parts):
    """A script for Crowd: say these bytes, read until the daemon hangs up if it does at once."""
    def script(number):
        del number
        connection = connect(daemon)
        with contextlib.suppress(OSError):
            for part in parts:
                connection.sendall(part)
        return connection
    return script


class Watch:
    """The worst lateness of a tick meanwhile: with Watch(daemon): ..."""

    def __init__(self, daemon):
        self.daemon, self.worst, self.ended = daemon, 0, threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)

    def look(self):
        while not self.ended.wait(0.1):
            with contextlib.suppress(OSError):
                self.worst = max(self.worst,
                                 self.daemon.get("/api/v1/status")["tick_late_seconds"] or 0)

    def __enter__(self):
        self.first = self.daemon.get("/api/v1/status")["ticks"]
        self.begun = time.monotonic()
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.ended.set()
        self.thread.join(60)
        if kind:
            return
        ticks = self.daemon.get("/api/v1/status")["ticks"] - self.first
        seconds = time.monotonic() - self.begun
        print(f"    {ticks} ticks in {seconds:.1f} s, latest by {self.worst * 1e3:.0f} ms")
        assert self.worst < LATE_SECONDS, f"a tick was late by {self.worst} s"
        assert ticks >= int(seconds) - 1, (ticks, seconds)


def acts_still(daemon, program):
    status, receipt = daemon.act(f"pid:{program.pid}", "collect")
    assert status == 200 and receipt["steps"][0]["outcome"] != "refused", receipt
    assert receipt["steps"][0].get("objects") is not None, receipt


def agents(daemon):
    return [item for item in daemon.get("/api/v1/processes?limit=1000")["items"]
            if item["agent"]["state"] != "none"]


def test_agents_that_lie():
    """What is no honest agent's line ends the session, is said in the log, and harms nobody."""
    deep = b'{"t":"hello","x":' + b"[" * 2000 + b"]" * 2000 + b"}\n"
    hello = line(HELLO)
    lies = {
        "a line longer than allowed": hello + b'{"t":"' + b"a" * 70000 + b'"}\n',
        "a line that is not the JSON agreed on": deep,
        "the JSON agreed on": hello + hello[:-2] + b',"v":1}\n',  # a key twice
        "its first line is no hello": b'{"t":"done","id":1,"outcome":"ok","steps":0}\n',
        "not asked for": hello + b'{"t":"step","id":1,"index":0,"step":"trim","outcome":"ok",'
                         b'"mode":"thread"}\n{"t":"done","id":1,"outcome":"ok","steps":1}\n',
        "a request, which only the daemon makes":
            hello + b'{"t":"run","id":1,"steps":["trim"],"generation":2,"mode":"thread",'
            b'"gil_timeout_msec":1,"max_pause_usec":0}\n',
        "too many lines": hello * 100,
    }
    with Daemon() as daemon, Program(daemon, "cycles.py", 5) as program:
        daemon.wait_agent(program.pid)
        with Watch(daemon), contextlib.ExitStack() as stack:
            for bytes_ in lies.values():
                stack.enter_context(Crowd(daemon, 1, says(daemon, bytes_)))
            wait_for("the log to name each", lambda: all(
                saying in daemon.log.read_text() for saying in lies)
                and daemon.log.read_text().count("broke the protocol") == len(lies))
            acts_still(daemon, program)
        assert len(agents(daemon)) == 1, agents(daemon)


def test_a_forged_pid():
    """Who a process is, the kernel says: what it says of itself reaches no other process."""
    with Daemon() as daemon, Program(daemon, "cycles.py", 5) as program:
        before = daemon.wait_agent(program.pid)
        forged = line({**HELLO, "pid": program.pid, "ppid": program.pid, "fork_ppid": program.pid,
                       "forked": True, "name": "forged"})
        with Crowd(daemon, 1, says(daemon, forged)) as crowd:
            liar = wait_for("the liar's own name",
                            lambda: (daemon.process_of(crowd.pids[0]) or {}).get("name"))
            assert liar == "forged", liar
            after = daemon.process_of(program.pid)
            assert after["id"] == before["id"] and after["name"] != "forged", after
            acts_still(daemon, program)


def flood(daemon):
    def script(number):
        """10^4 lines a second for three seconds, whatever happens to the connection."""
        del number
        block = line(HELLO) * 100
        end = time.monotonic() + 3
        while time.monotonic() < end:
            with contextlib.suppress(OSError), contextlib.closing(connect(daemon)) as connection:
                connection.sendall(line(HELLO))
                while time.monotonic() < end:
                    connection.sendall(block)
                    time.sleep(0.01)
            time.sleep(0.001)
    return script


def test_a_flood_of_messages():
    with Daemon() as daemon, Program(daemon, "cycles.py", 5) as program:
        daemon.wait_agent(program.pid)
        with Watch(daemon):
            acting = threading.Thread(target=lambda: [acts_still(daemon, program)
                                                      for _ in range(3)])
            acting.start()
            with Crowd(daemon, 2, flood(daemon)):
                acts_still(daemon, program)
            acting.join(60)
        assert "too many lines" in daemon.log.read_text()
        assert len(agents(daemon)) == 1


def test_liars_do_not_fill_the_log():
    def script(number):
        del number
        for _ in range(50):
            child = os.fork()
            if child == 0:
                with contextlib.suppress(OSError), contextlib.closing(connect(daemon)) as socket_:
                    socket_.sendall(line(HELLO) + b"nonsense\n")
                    socket_.recv(1000)  # the daemon hangs up
                os._exit(0)
            os.waitpid(child, 0)

    with Daemon() as daemon:
        with Watch(daemon), Crowd(daemon, 4, script):
            pass
        ticks_pass(daemon, 2)
        text = daemon.log.read_text()
        count = text.count("not the JSON agreed on") + text.count("too fast to be noted")
        assert 1 <= count <= 20, f"{count} lines about 200 liars"


def test_one_user_cannot_take_every_place():
    """More connections than there are places, from one process and from many."""
    if os.geteuid() != 0:
        skip("only root can start processes of another user")

    def many(number):
        del number
        kept = []
        for _ in range(1100):
            with contextlib.suppress(OSError):
                kept.append(connect(daemon))
                kept[-1].sendall(line(HELLO))
        return kept

    with Daemon() as daemon:
        with Watch(daemon), Crowd(daemon, 1, many), \
                Crowd(daemon, 600, says(daemon, line(HELLO))), \
                Program(daemon, "cycles.py", 5) as program:
            daemon.wait_agent(program.pid)
            acts_still(daemon, program)
            count = len(agents(daemon))
            assert 500 <= count <= 514, f"{count} agents"
            assert "too many agents" in daemon.log.read_text()
        ticks_pass(daemon, 2)
        wait_for("their places to be free", lambda: not agents(daemon))


def test_lines_that_never_end():
    """Unfinished lines are memory that strangers hold: 64 KiB each would be 32 MiB."""
    def private_bytes():
        return daemon.get("/api/v1/status")["self"]["private_bytes"]

    with Daemon() as daemon, Program(daemon, "cycles.py", 5) as program:
        daemon.wait_agent(program.pid)
        before = private_bytes()
        with Watch(daemon), Crowd(daemon, 400, says(daemon, line(HELLO), b'{"t":"' + b"a" * 60000)):
            ticks_pass(daemon, 2)
            acts_still(daemon, program)
            grown = private_bytes() - before
            assert grown < 20 << 20, f"grown by {grown} bytes"


# ---- a daemon that comes back ----

def test_five_hundred_agents_come_back():
    """After a restart and after three seconds without a daemon; bench_agent.py has the figure."""
    count = 500
    with Daemon() as daemon, many_agents(daemon, count - 20, 20):
        wait_for("all agents", lambda: daemon.get("/api/v1/status")["agents"] == count)
        for away_seconds in (0, 3):
            daemon.process.send_signal(signal.SIGKILL)
            daemon.process.wait()
            time.sleep(away_seconds)
            since = time.time()
            daemon.start()
            with Watch(daemon):
                wait_for("all agents again",
                         lambda: daemon.get("/api/v1/status")["agents"] == count)
                ticks_pass(daemon, 2)
            back = hello_seconds(daemon, since)
            assert len(back) == count, len(back)
            crowded = max(sum(1 for one in back if moment <= one < moment + 0.1)
                          for moment in back)
            print(f"    away {away_seconds} s: {count} back in {back[0]:.2f} to {back[-1]:.2f} s, "
                  f"half at {back[count // 2]:.2f} s, at most {crowded} in 0.1 s")
            assert crowded < count * 0.8 or away_seconds == 0, "all at once"


run([value for key, value in list(globals().items()) if key.startswith("test_")])
