#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The units start what they name: the environment, sockets and system calls of the installed
services, without systemd as pid 1. What only it can make (mounts, capabilities) is left out."""
import contextlib
import ctypes
import functools
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

from house import BUILD, UnixConnection, run, skip, wait_for

MEMTENDD = str(BUILD / "bin" / "memtendd")
SERVICES = BUILD / "systemd"
NOBODY = 65533  # a user without a name; 65534 is what the kernel calls those it cannot name
SECCOMP_KILL, SECCOMP_ALLOW = 0x80000000, 0x7FFF0000


@functools.cache
def group_calls(group):
    text = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", group], check=True,
                          capture_output=True, text=True).stdout
    names = {line.strip() for line in text.splitlines()[1:] if not line.strip().startswith("#")}
    return frozenset().union(*(group_calls(n) if n[0] == "@" else {n} for n in names if n))


def settings(service, key):
    lines = (SERVICES / service).read_text(encoding="utf-8").splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(key + "=")]


def allowed_calls(service):
    """SystemCallFilter= as systemd.exec(5) has it; the first line makes it a list of the allowed."""
    allowed = set(group_calls("@default"))
    for value in settings(service, "SystemCallFilter"):
        for name in value.removeprefix("~").split():
            calls = group_calls(name) if name[0] == "@" else {name}
            allowed = allowed - calls if value[0] == "~" else allowed | calls
    return allowed


def enter_filter(calls):
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(SECCOMP_KILL)))
    for name in calls:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            library.seccomp_rule_add(context, ctypes.c_uint32(SECCOMP_ALLOW), number, 0)
    assert library.seccomp_load(context) == 0


class Service:
    """with Service("memtendd.service", sockets, environment, log) as service: ..."""

    def __init__(self, unit, sockets, environment, log, arguments=()):
        calls = allowed_calls(unit)
        listed = {"LISTEN_FDS": str(len(sockets)), "HOME": "/", "PATH": "/usr/bin:/bin"}
        self.log, self.status = log, None
        self.pid = os.fork()
        if self.pid:
            return
        try:
            with open(log, "ab") as out, open(os.devnull, "rb") as null:
                # First out of the way of the numbers that they are moved to.
                given = [os.dup2(s.fileno(), 100 + i) for i, s in enumerate(sockets)]
                os.dup2(null.fileno(), 0)
                os.dup2(out.fileno(), 1)
                os.dup2(out.fileno(), 2)
            for i, fd in enumerate(given):
                os.dup2(fd, 3 + i)
            os.closerange(3 + len(given), 200)
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
            os.chdir("/")
            enter_filter(calls)
            os.execve(MEMTENDD, [MEMTENDD, *arguments],
                      {**listed, **environment, "LISTEN_PID": str(os.getpid())})
        except BaseException as error:  # the fork must not run the rest of the tests
            os.write(2, f"{error!r}\n".encode())
        os._exit(126)

    def ended(self):
        """None while it runs, else its exit status (negative: the signal)."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if pid else None
        return self.status

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            print(self.log.read_text(encoding="utf-8", errors="replace"))
        if self.ended() is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


class Place:
    """The directories that systemd and tmpfiles make, and the sockets that it listens on."""

    def __init__(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="memtend-"))
        self.home.chmod(0o755)
        self.log = self.home / "log"
        self.state, self.runtime = self.home / "state", self.home / "run"
        self.config = self.home / "config"
        for folder in (self.state, self.runtime, self.runtime / "agent"):
            folder.mkdir()
            if os.geteuid() == 0:
                os.chown(folder, NOBODY, NOBODY)
        self.config.mkdir()
        self.environment = {"STATE_DIRECTORY": str(self.state),
                            "CONFIGURATION_DIRECTORY": str(self.config),
                            "NOTIFY_SOCKET": str(self.home / "notify"), "WATCHDOG_USEC": "10000000"}
        # systemd.exec(5): Environment= of the unit, its directory moved to ours.
        for value in settings("memtendd.service", "Environment"):
            name, _, text = value.partition("=")
            self.environment[name] = text.replace("/run/memtend", str(self.runtime))
        self.notify = self.unix("../notify", socket.SOCK_DGRAM)
        self.notify.settimeout(20)

    def unix(self, name, kind):
        made = socket.socket(socket.AF_UNIX, kind)
        made.bind(str(self.runtime / name))
        os.chmod(self.runtime / name, 0o666)
        if kind != socket.SOCK_DGRAM:
            made.listen(64)
        return made

    def head_sockets(self):
        tcp = socket.create_server(("127.0.0.1", 0))
        return [self.unix("http.sock", socket.SOCK_STREAM), tcp,
                self.unix("agent/control.sock", socket.SOCK_STREAM)]

    def head(self, sockets):
        return Service("memtendd.service", sockets, self.environment, self.log)

    def probe(self):
        return Service("memtendd-probe.service", [self.unix("probe.sock", socket.SOCK_SEQPACKET)],
                       {}, self.log, ["probe"])

    def wait_ready(self):
        while True:
            text = self.notify.recv(4096).decode()
            if "READY=1" in text:
                return

    def command_line(self, pid):
        process = self.get(f"/api/v1/processes/pid:{pid}")
        return process and process.get("cmdline")

    def get(self, path):
        with contextlib.closing(UnixConnection(self.runtime / "http.sock")) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return json.loads(answer.read()) if answer.status == 200 else None


def in_place(test):
    def wrapped():
        if not shutil.which("systemd-analyze"):
            skip("systemd-analyze is not installed")
        place = Place()
        try:
            test(place)
        finally:
            place.notify.close()
            shutil.rmtree(place.home, ignore_errors=True)
    wrapped.__name__ = test.__name__
    return wrapped


def reachable():
    """Is the program where another user may run it? A check-out in a private home is not."""
    folders = pathlib.Path(MEMTENDD).parents
    return os.geteuid() != 0 or all(folder.stat().st_mode & 1 for folder in folders)


@in_place
def test_the_roles_serve(place):
    if not reachable():
        skip(f"{MEMTENDD} is in a directory that is closed to others")
    sockets = place.head_sockets()
    with place.probe() as probe, place.head(sockets) as head:
        place.wait_ready()
        assert (place.state / "memtend.db").exists() and (place.runtime / "lock").exists()
        port = sockets[1].getsockname()[1]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/livez")
        assert connection.getresponse().status == 200
        connection.close()
        # Only the probe reads command lines; PSS too, but under a budget that may be used up.
        wait_for("the probe's reading", lambda: place.command_line(head.pid))
        # The sockets come in blocking mode: somebody who connects must not stop the loop.
        with socket.socket(socket.AF_UNIX) as agent:
            agent.connect(str(place.runtime / "agent" / "control.sock"))
            ticks = place.get("/api/v1/status")["ticks"]
            wait_for("more ticks", lambda: place.get("/api/v1/status")["ticks"] > ticks + 2)
        text = pathlib.Path(f"/proc/{head.pid}/status").read_text(encoding="utf-8")
        assert "THP_enabled:\t0" in text, text  # each table would cost a huge page
        assert head.ended() is None and probe.ended() is None
        os.kill(head.pid, signal.SIGTERM)
        assert wait_for("the end", lambda: head.ended() == 0)


@in_place
def test_off_is_off(place):
    if not reachable():
        skip(f"{MEMTENDD} is in a directory that is closed to others")
    (place.config / "memtend.conf").write_text("[HTTP]\nListen=off\n", encoding="utf-8")
    sockets = place.head_sockets()
    port = sockets[1].getsockname()[1]
    with place.head(sockets):
        for given in sockets:
            given.close()
        place.wait_ready()
        # Refused, not served: here nobody else holds the socket; under systemd it is the backlog.
        with socket.socket() as client:
            assert client.connect_ex(("127.0.0.1", port)) != 0


@in_place
def test_the_configuration_directory_is_read(place):
    if not reachable():
        skip(f"{MEMTENDD} is in a directory that is closed to others")
    (place.config / "memtend.conf").write_text("[Daemon]\nNoSuchKey=1\n", encoding="utf-8")
    with place.head(place.head_sockets()) as head:
        wait_for("the refusal", lambda: head.ended() is not None)
        assert head.ended() == 2, head.ended()
    assert "NoSuchKey" in place.log.read_text(encoding="utf-8")


run([value for name, value in list(globals().items()) if name.startswith("test_")])
