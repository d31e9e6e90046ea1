# SPDX-License-Identifier: MIT
"""Plays the daemon on a Unix socket: accepts agents, asks, keeps what they say."""
import json
import os
import queue
import socket
import struct
import threading
import time

DEADLINE = 60.0  # seconds that anything may take, on a busy machine, before a test calls it hung
LAST = ("stats", "done", "censused", "error")  # a request is over with one of these


class Gone(Exception):
    """The agent's connection ended."""


class Session:
    """One connection of an agent. Replies are sorted by the id of their request."""

    def __init__(self, connection):
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        self.pid = struct.unpack("3i", credentials)[0]
        self.connection = connection
        self.hello = None
        self.marks = []
        self.closed = threading.Event()
        self._lock = threading.Lock()
        self._replies = {}
        self._next_id = 0

    def read(self, on_hello):
        """Until the end of the connection, on a thread of its own."""
        try:
            for line in self.connection.makefile("rb"):
                message = json.loads(line)
                if message["t"] == "hello":
                    self.hello = message
                    on_hello(self)
                elif message["t"] == "mark":
                    self.marks.append(message)
                elif message["t"] != "bye":
                    with self._lock:
                        replies = self._replies.get(message["id"])
                        if message["t"] in LAST:  # a hammer asks 100,000 times
                            self._replies.pop(message["id"], None)
                    if replies:
                        replies.put(message)
        except (OSError, ValueError):
            pass
        with self._lock:
            self.closed.set()
            for replies in self._replies.values():
                replies.put(None)
        self.close()

    def close(self):
        """Hang up; shutdown, because the reader's file keeps the descriptor open."""
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.connection.close()

    def send(self, **message):
        """Send one request; returns the queue of its replies."""
        replies = queue.Queue()
        with self._lock:
            self._next_id += 1
            message["id"] = self._next_id
            self._replies[self._next_id] = replies
            if self.closed.is_set():
                raise Gone()
        try:
            self.connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise Gone() from error
        return replies

    @staticmethod
    def answers(replies, timeout=DEADLINE):
        """All replies up to the one that ends the request."""
        found = []
        while True:
            message = replies.get(timeout=timeout)
            if message is None:
                raise Gone()
            found.append(message)
            if message["t"] in LAST:
                return found

    def stat(self, gc=True, gil_timeout_msec=5000, **more):
        return self.answers(
            self.send(t="stat", malloc=True, gc=gc, gil_timeout_msec=gil_timeout_msec,
                      **more))[-1]

    def begin(self, *steps, mode="thread", gil_timeout_msec=5000, max_pause_usec=0):
        return self.send(t="run", steps=list(steps), generation=2, mode=mode,
                         gil_timeout_msec=gil_timeout_msec, max_pause_usec=max_pause_usec)

    def run(self, *steps, **options):
        """The step lines of a run."""
        return self.answers(self.begin(*steps, **options))[:-1]

    def collect(self, *more, gil_timeout_msec=1000):
        """One that is done. Beside a hammer, or on a busy machine, one may come too late."""
        end, step = time.monotonic() + DEADLINE, None
        while time.monotonic() < end:
            step = self.run("collect", *more, gil_timeout_msec=gil_timeout_msec)[0]
            if step["outcome"] == "ok":
                return step
            if step["outcome"] not in ("busy", "gil_timeout"):
                break
            time.sleep(0.01)
        raise AssertionError("collect in %s: %s" % (self.hello, step))

    def census(self, mode="roots", top=20, max_objects=2000000, gil_timeout_msec=5000):
        """The findings, and the line that ends them."""
        lines = self.answers(self.send(t="census", mode=mode, top=top, max_objects=max_objects,
                                       gil_timeout_msec=gil_timeout_msec))
        return lines[:-1], lines[-1]

    def wait_ready(self):
        """Until the interpreter answers."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            if self.stat().get("py_result") == "ok":
                return
            time.sleep(0.005)
        raise TimeoutError("the interpreter never became ready")


class Daemon:
    """Listens; each agent that says hello becomes a session. hammer(session) runs beside it."""

    def __init__(self, path, hammer=None, uid=None):
        self.path = path
        self.sessions = []
        self.refusals = 0  # connections that ended before a hello
        self._hammer = hammer
        self._changed = threading.Condition()
        self._open(uid)

    def _open(self, uid=None):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        os.chmod(self.path, 0o666)
        if uid is not None:  # the kernel shows the peer the uid that called listen()
            os.seteuid(uid)
        self._listener.listen(256)
        if uid is not None:
            os.seteuid(0)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(Session(connection),), daemon=True).start()

    def _serve(self, session):
        session.read(self._on_hello)
        with self._changed:
            if session.hello is None:
                self.refusals += 1
            self._changed.notify_all()

    def _on_hello(self, session):
        with self._changed:
            self.sessions.append(session)
            self._changed.notify_all()
        if self._hammer:
            threading.Thread(target=self._hammer, args=(session,), daemon=True).start()

    def wait(self, found, what):
        """Until found() returns something true; returns it."""
        with self._changed:
            end = time.monotonic() + DEADLINE
            while True:
                value = found()
                if value:
                    return value
                left = end - time.monotonic()
                if left <= 0:
                    raise TimeoutError("no " + what)
                self._changed.wait(min(left, 0.2))

    def session(self, pid, skip=0):
        """The session of a process; skip earlier ones of the same pid."""
        def find():
            mine = [one for one in self.sessions if one.pid == pid]
            return mine[skip] if len(mine) > skip else None
        return self.wait(find, "hello from pid %d" % pid)

    def stop(self):
        """Go away like a daemon that was killed."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        for session in self.sessions:
            session.close()

    def start_again(self):
        self._open()


class Hammer:
    """Everything an agent can do, as fast as it answers, until it is gone; counts what it did."""

    def __init__(self):
        self.commands = self.collects = 0
        self._lock = threading.Lock()

    def _count(self, commands, answers):
        collects = sum(1 for one in answers if one.get("step") == "collect"
                       and one["outcome"] == "ok")
        with self._lock:
            self.commands += commands
            self.collects += collects

    def __call__(self, session):
        try:
            while True:
                self._count(1, [session.stat(gil_timeout_msec=200)])
                self._count(1, session.run("collect", "trim", gil_timeout_msec=200))
                self._count(1, [session.stat(gc=False)])
        except (Gone, queue.Empty):
            pass


def hammer(session):
    Hammer()(session)
