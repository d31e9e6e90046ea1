# SPDX-License-Identifier: MIT
"""Real servers with an agent in every process, under load and under a daemon that never stops
asking: gunicorn, uWSGI and uvicorn on the system's Python, small ones on all others."""
import collections
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from host import (LONG, WORKLOADS, Failure, Place, at_once, check, environment, interpreters,
                  need_agent)
from standin import DEADLINE, hammer

# Collects in a server whose finalisers insist on their thread.
COLLECTS = 10000 if LONG else 500

# Clients at the same time: whoever is busy with one leaves the other to the next worker.
CLIENTS = 2
# A job that waits for the master's GIL as it forks would stop the child at one of its first
# switches; with three of them hardly ever at none.
UWSGI_DEATHS = 3

# Each answer says which process made it.
WSGI = """
import os
def app(environ, start_response):
    kept = []
    for number in range(200):
        kept.append([kept])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d ok\\n" % os.getpid()]
application = app
"""

# Cycles whose finalisers belong to the loop's thread, as those of sockets and transports do. What
# went wrong is told at the end. The clock ticks as that of a busy server does.
BOUND = """
import asyncio, gc, os, signal, sys, threading
bad, freed = [], []
class Bound(object):
    def __init__(self):
        self.me = self
        self.home = threading.get_ident()
    def __del__(self):
        freed.append(1)
        if threading.get_ident() != self.home:
            bad.append(threading.current_thread().name)
def make():
    for number in range(20):
        Bound()
async def tick():
    while True:
        await asyncio.sleep(0.001)
def tell():
    print("bad %d freed %s" % (len(bad), len(freed) > 1000)); sys.stdout.flush()
"""
ASGI = BOUND + """
import contextlib, atexit
atexit.register(tell)
gc.disable()
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        asyncio.get_running_loop().create_task(tick())
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    make()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d ok\\n" % os.getpid()})
"""
STREAMS = BOUND + """
gc.disable()
async def serve(reader, writer):
    await reader.readline()
    make()
    writer.write(b"HTTP/1.1 200 OK\\r\\n\\r\\n%d ok\\n" % os.getpid())
    await writer.drain()
    writer.close()
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
loop.add_signal_handler(signal.SIGTERM, loop.stop)
loop.run_until_complete(asyncio.start_unix_server(serve, sys.argv[1]))
task = loop.create_task(tick())
loop.run_forever()
tell()
os._exit(0)
"""


def ask(path, request=b"GET / HTTP/1.0\r\n\r\n"):
    """The answer of a server on a Unix socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(DEADLINE)
        connection.connect(path)
        connection.sendall(request)
        parts = []
        while True:
            part = connection.recv(4096)
            if not part:
                return b"".join(parts)
            parts.append(part)


class Server:
    """A server on folder/socket, its agents, and clients that never stop: with Server(...) as s

    answer matches what it says; its first group is the pid of the process that does."""

    def __init__(self, place, command, request=b"GET / HTTP/1.0\r\n\r\n", answer=rb"(\d+) ok\n",
                 **env):
        self.place, self.request, self.answer = place, request, re.compile(answer)
        self.path = os.path.join(place.folder, "socket")
        self.output = open(os.path.join(place.folder, "output"), "w+b")
        self.process = subprocess.Popen(
            command, cwd=place.folder, env=environment(place.daemon.path, **env),
            stdin=subprocess.PIPE, stdout=self.output, stderr=self.output,
            start_new_session=True)
        self.pid = self.process.pid
        self.failures, self._stop = [], threading.Event()
        self._served, self._answered = collections.Counter(), threading.Condition()
        self._clients = [threading.Thread(target=self._load, daemon=True) for _ in range(CLIENTS)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop.set()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)  # workers that outlived a failed test as well
        self.process.wait()
        self.process.stdin.close()
        self.output.close()

    def text(self):
        self.output.seek(0)
        return self.output.read().decode(errors="replace")

    def wait_served(self):
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                ask(self.path, self.request)
                for client in self._clients:
                    client.start()
                return
            time.sleep(0.02)
        raise Failure("no answer: " + self.text())

    def _load(self):
        while not self._stop.is_set():
            try:
                text = ask(self.path, self.request)
                found = self.answer.search(text)
                with self._answered:
                    if found:
                        self._served[int(found.group(1))] += 1
                        self._answered.notify_all()
                    else:
                        self.failures.append(text)
            except OSError as error:
                if not self._stop.is_set():
                    self.failures.append(error)

    def wait_serving(self, pids):
        """Until each of them answers requests. A process that has just been forked still has its
        parent's handlers: a signal to end it that comes before it has its own is lost, with or
        without an agent, and the server waits for it for a minute."""
        with self._answered:
            done = self._answered.wait_for(lambda: set(pids) <= set(self._served), DEADLINE)
        check(done, "%s never served, only %s: %s" % (pids, dict(self._served), self.text()))

    def processes(self):
        """The newest session of each process that lives."""
        found = {}
        for one in self.place.daemon.sessions:
            if not one.closed.is_set() and one.hello["runtime"]:
                found[one.pid] = one
        return found

    def wait_processes(self, count, but=()):
        return self.place.daemon.wait(
            lambda: len(set(self.processes()) - set(but)) >= count and self.processes(),
            "%d agents of the server: %s" % (count, self.text()))

    def all_collect(self, count, but=()):
        for pid, session in self.wait_processes(count, but).items():
            if pid not in but:
                session.collect("trim")

    def end(self, code=0, allowed_failures=0):
        with self._answered:
            self._answered.wait_for(lambda: sum(self._served.values()) > 10, DEADLINE)
        self._stop.set()
        for client in self._clients:
            client.join(DEADLINE)
        self.process.send_signal(signal.SIGTERM)
        try:
            got = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            raise Failure("hung at its end: " + self.text()) from None
        text = self.text()
        check(got == code, "exit code %d: %s" % (got, text))
        check(not re.search(r"Traceback|Warning:|Error:|SIGSEGV|Fatal", text), text)
        served = sum(self._served.values())
        check(served > 10, "only %d requests served" % served)
        check(len(self.failures) <= allowed_failures, "failures: %s" % self.failures[:3])


def kill_one(server, workers, total):
    """A killed worker's replacement gets an agent too, and serves."""
    before = set(server.processes())
    victim = sorted(workers)[-1]
    os.kill(victim, signal.SIGKILL)
    server.place.daemon.wait(lambda: len(set(server.processes()) - {victim}) >= total
                             and set(server.processes()) - before, "agent of the replacement")
    server.wait_serving(set(server.processes()) - {victim, server.pid})
    return victim


# ---- on the system's Python ----

def need_program(name):
    if not shutil.which(name):
        print("SKIP: %s is absent (package %s)" % (name, name))
        return False
    return True


def gunicorn():
    if not need_program("gunicorn"):
        return
    with Place(hammer) as place:
        with open(os.path.join(place.folder, "web.py"), "w") as file:
            file.write(WSGI)
        command = ["/usr/bin/python3", shutil.which("gunicorn"), "-w", "3", "--bind",
                   "unix:" + os.path.join(place.folder, "socket"), "--log-level", "warning",
                   "--worker-tmp-dir", place.folder, "web:app"]
        with Server(place, command) as server:
            server.wait_served()
            workers = set(server.wait_processes(4)) - {server.pid}
            server.all_collect(4)
            for session in server.processes().values():
                check(session.pid == server.pid or session.hello["fork_ppid"] == server.pid,
                      str(session.hello))
            server.all_collect(4, but={kill_one(server, workers, 4)})
            old = set(server.processes()) - {server.pid}
            server.process.send_signal(signal.SIGHUP)  # new workers for old
            server.place.daemon.wait(lambda: len(set(server.processes()) - old) >= 4, "new workers")
            server.wait_serving(set(server.processes()) - old - {server.pid})
            server.end(allowed_failures=1)  # the request that the killed worker had


def uwsgi(*options):
    if not need_program("uwsgi"):
        return
    with Place(hammer) as place:
        with open(os.path.join(place.folder, "web.py"), "w") as file:
            file.write(WSGI)
        command = ["uwsgi", "--plugin", "python3", "--master", "-p", "2", "--die-on-term",
                   "--http-socket", os.path.join(place.folder, "socket"), "--wsgi-file", "web.py",
                   "--disable-logging", "--need-app", *options]
        with Server(place, command, MEMTEND_NAME="web") as server:
            server.wait_served()
            found = server.wait_processes(3)
            workers = set(found) - {server.pid}
            for session in found.values():
                check(session.stat(gc=False)["malloc_total_bytes"] > 0, "stat")
                if session.pid != server.pid:
                    session.wait_ready()
                    session.collect("trim")
            for _ in range(UWSGI_DEATHS):
                kill_one(server, workers, 3)
                workers = set(server.processes()) - {server.pid}
            server.end(allowed_failures=UWSGI_DEATHS)


def uwsgi_with_threads():
    uwsgi("--enable-threads")


def uwsgi_without_threads():
    """The main thread keeps the GIL while it waits for requests."""
    uwsgi()


def collects_in_load(server, count):
    """count collects that were done; those that came too late are told."""
    session = server.wait_processes(1)[server.pid]
    done = late = 0
    session.wait_ready()
    while done < count:
        step = session.run("collect", gil_timeout_msec=2000)[0]
        check(step["mode"] == "main", str(step))
        check(step["outcome"] in ("ok", "gil_timeout"), str(step))
        done += step["outcome"] == "ok"
        late += step["outcome"] == "gil_timeout"
        check(late < 10 + count // 10, "%d of %d collects came too late" % (late, done))


def uvicorn():
    if subprocess.run(["/usr/bin/python3", "-c", "import uvicorn"], stderr=subprocess.DEVNULL,
                      check=False).returncode != 0:
        print("SKIP: uvicorn is absent (package python3-uvicorn)")
        return
    with Place() as place:
        with open(os.path.join(place.folder, "web.py"), "w") as file:
            file.write(ASGI)
        command = ["/usr/bin/python3", "-m", "uvicorn", "--uds",
                   os.path.join(place.folder, "socket"), "--log-level", "warning", "web:app"]
        with Server(place, command, PYTHONPATH=place.folder) as server:
            server.wait_served()
            collects_in_load(server, COLLECTS)
            server.end()
            check("bad 0 freed True" in server.text(), server.text())


# ---- on every Python ----

def prefork(interpreter):
    with Place(hammer) as place:
        command = [interpreter.path, os.path.join(WORKLOADS, "prefork_server.py"),
                   os.path.join(place.folder, "socket")]
        with Server(place, command, request=b"hello\n", answer=rb"(\d+) 500\n") as server:
            session = place.daemon.session(server.pid)
            if interpreter.full:
                session.wait_ready()
            server.process.stdin.close()
            server.wait_served()
            found = server.wait_processes(4)
            if interpreter.full:
                server.all_collect(4)
                server.all_collect(4, but={kill_one(server, set(found) - {server.pid}, 4)})
            server.end(allowed_failures=1)


def asyncio_streams(interpreter):
    if interpreter.version < (3, 6) or not interpreter.full:
        return
    with Place() as place:
        path = os.path.join(place.folder, "web.py")
        with open(path, "w") as file:
            file.write(STREAMS)
        command = [interpreter.path, path, os.path.join(place.folder, "socket")]
        with Server(place, command) as server:
            server.wait_served()
            collects_in_load(server, COLLECTS)
            server.end()
            check("bad 0 freed True" in server.text(), server.text())


def attempt(job):
    """Whether it failed; a line about it."""
    case, *arguments = job
    begun = time.monotonic()
    try:
        case(*arguments)
    except Exception as error:  # a test must never take the others with it
        print("FAILED %s%s: %s: %s" % (case.__name__, "".join(", " + a.label for a in arguments),
                                       type(error).__name__, error), flush=True)
        return True
    print("passed %s%s (%.1f s)" % (case.__name__, "".join(", " + a.label for a in arguments),
                                    time.monotonic() - begun), flush=True)
    return False


def main():
    need_agent()
    only = sys.argv[1:]
    jobs = [(case,) for case in (uvicorn, gunicorn, uwsgi_with_threads, uwsgi_without_threads)]
    jobs += [(case, interpreter) for case in (asyncio_streams, prefork)
             for interpreter in interpreters()]
    bad = sum(at_once(attempt, [job for job in jobs if not only or job[0].__name__ in only]))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
