#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Both shapes of containers. Node: the daemon outside, its agent/ directory mounted into pid, mount
and user namespaces with a read-only root. Solo: `memtend run --solo` as process 1."""
import json
import os
import signal
import subprocess

from container import (AGENT, INNER, OUTER, PROGRAMS, PYTHON, UNMAPPED, WORKLOADS, Container,
                       why_not)
from house import BUILD, MIB, Daemon, run, skip, status_bytes, wait_for, wait_idle

RUN = [PROGRAMS + "/bin/memtend", "run"]
SOLO = [*RUN, "--solo", "--"]
CYCLES = [PYTHON, WORKLOADS + "/cycles.py", 60]
LOADED = {"LD_PRELOAD": AGENT, "MEMTEND": "1", "MEMTEND_NAME": "boxed"}
TRUSTING = {**LOADED, "MEMTEND_DAEMON_UID": str(UNMAPPED)}
OUTSIDE = OUTER if os.geteuid() == 0 else os.geteuid()

no_containers = why_not(BUILD)


def contained(test):
    def wrapped():
        if no_containers:
            skip(no_containers)
        test()
    wrapped.__name__ = test.__name__
    return wrapped


def reachable(daemon):
    """The directory as a service has it: everybody may go through to agent/."""
    for folder in (daemon.home, daemon.runtime, daemon.runtime / "agent"):
        os.chmod(folder, 0o755)
    return daemon.runtime / "agent"


def started(container):
    return wait_for("the container", lambda: container.pid)


def script(text, *arguments):
    return [PYTHON, "-c", text, *arguments]


# ---- node ----


def tend(daemon, container):
    pid = started(container)
    process = daemon.wait_agent(pid)
    assert process["uid"] == OUTSIDE and process["name"] == "boxed", process
    wait_for("the cycles", lambda: status_bytes(pid, "VmRSS") > 55 * MIB)
    wait_idle(pid)
    status, receipt = daemon.act(f"pid:{pid}", "collect", "trim")
    assert status == 200 and receipt["outcome"] == "freed", receipt
    assert receipt["steps"][0]["objects"] > 50000, receipt
    assert status_bytes(pid, "VmRSS") < 30 * MIB, receipt
    return process


@contained
def test_node_by_environment():
    with Daemon() as daemon, \
            Container(BUILD, CYCLES, reachable(daemon), environment=TRUSTING) as one:
        process = tend(daemon, one)
        assert process["pid"] == one.pid and process["pid"] != 1, process
        # A restarted daemon is the same directory: nothing has to be mounted anew.
        daemon.stop()
        daemon.start()
        again = daemon.wait_agent(one.pid)
        assert again["id"] == process["id"], (again, process)


@contained
def test_node_by_run():
    """memtend run sees by the directory's owner what the daemon's uid is called in there."""
    with Daemon() as daemon, \
            Container(BUILD, [*RUN, "--name", "boxed", "--", *CYCLES], reachable(daemon),
                      environment={"HOME": "/home/me", "XDG_RUNTIME_DIR": "/run/user/1"}) as one:
        tend(daemon, one)


@contained
def test_node_trusts_no_unknown_user():
    if os.geteuid() != 0:
        skip("only root's daemon is another user than the container's")
    with Daemon() as daemon, \
            Container(BUILD, CYCLES, reachable(daemon), environment=LOADED) as one:
        pid = started(one)
        wait_for("the cycles", lambda: status_bytes(pid, "VmRSS") > 55 * MIB)
        ticks = daemon.get("/api/v1/status")["ticks"]
        wait_for("some ticks", lambda: daemon.get("/api/v1/status")["ticks"] > ticks + 20)
        assert daemon.process_of(pid)["agent"]["state"] == "none"


@contained
def test_the_root_is_read_only():
    text = ("import os\nfor path in ('/x', '/run/x', '/run/memtend/agent/x', '/tmp/x'):\n"
            " try: open(path, 'w')\n except OSError as error: print(error.errno)\n"
            "print(os.getuid(), os.getpid(), os.environ.get('HOME'))")
    with Daemon() as daemon, \
            Container(BUILD, script(text), reachable(daemon), stdout=subprocess.PIPE) as one:
        code, out, _ = one.finish()
        assert code == 0 and out.split() == ["30", "30", "30", "2", str(INNER), "1", "None"], out


ASK = """
import http.client, socket, sys
class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/run/outside/http.sock")
one = Connection("localhost")
one.request(sys.argv[1], sys.argv[2])
answer = one.getresponse()
print(answer.status, answer.read().decode())
"""


@contained
def test_root_of_a_container_is_nobody_outside():
    with Daemon() as daemon:
        agent = reachable(daemon)
        with Container(BUILD, [*RUN, "--name", "boxed", "--", *CYCLES], agent, uid=0) as one:
            tend(daemon, one)
        os.chmod(daemon.runtime / "http.sock", 0o666)
        for request in (("GET", "/api/v1/processes"), ("GET", "/livez"), ("POST", "/api/v1/pause")):
            with Container(BUILD, script(ASK, *request), uid=0, stdout=subprocess.PIPE,
                           binds=[(str(daemon.runtime), "/run/outside")]) as one:
                code, out, _ = one.finish()
            assert code == 0 and out.startswith("403 ") and "foreign_namespace" in out, out


LIE = """
import socket, sys, time
one = socket.socket(socket.AF_UNIX)
one.connect("/run/memtend/agent/control.sock")
one.sendall(sys.argv[1].encode() + b"\\n")
print("said", flush=True)
while one.recv(4096):
    pass
print("ended", flush=True)
time.sleep(600)
"""


@contained
def test_a_lie_about_the_pid_is_not_believed():
    victim = subprocess.Popen(["sleep", "600"])
    try:
        with Daemon() as daemon:
            agent = reachable(daemon)
            hello = {"t": "hello", "v": 1, "name": "liar", "runtime": "", "allocator": "",
                     "caps": ["trim"], "forked": True, "fork_count": 0,
                     "pid": victim.pid, "ppid": victim.pid, "fork_ppid": victim.pid, "start": 1}
            with Container(BUILD, script(LIE, json.dumps(hello)), agent,
                           stdout=subprocess.PIPE) as one:
                assert one.process.stdout.readline() == "said\n"
                # It may have been seen before it gave up being root.
                liar = wait_for("the liar", lambda: (seen := named(daemon, "liar")) and
                                seen[0]["uid"] == OUTSIDE and seen)
                assert [item["pid"] for item in liar] == [one.pid], liar
                assert liar[0]["ppid"] != victim.pid, liar
                assert daemon.process_of(victim.pid)["agent"]["state"] == "none"
    finally:
        victim.kill()
        victim.wait()


def named(daemon, name):
    items = daemon.get("/api/v1/processes?limit=1000")["items"]
    return [item for item in items if item["name"] == name]


# ---- solo ----


def solo(*command, writable=("/dev/shm",), code=0, **options):
    """(stdout, stderr) of a container that is one `memtend run --solo`."""
    with Container(BUILD, [*SOLO, *command], writable=writable, stdout=subprocess.PIPE,
                   stderr=subprocess.PIPE, **options) as one:
        got, out, err = one.finish()
        assert got == code, f"exit {got} instead of {code}\n{out}\n{err}"
        return out, err


LOOK = """
import json, os, subprocess, sys, time
assert os.getppid() == 1
end = time.monotonic() + 30
while time.monotonic() < end:
    done = subprocess.run(["%s/bin/memtend", "ps", "--json"], capture_output=True, text=True)
    if done.returncode == 0 and "from the daemon at" in done.stderr:
        own = [p for p in json.loads(done.stdout)["items"] if p["pid"] == os.getpid()]
        if own and own[0]["agent"]["state"] == "ready":
            print(done.stderr.split("from the daemon at ")[1].split()[0])
            sys.exit(0)
    time.sleep(0.1)
sys.exit(done.stdout + done.stderr)
""" % PROGRAMS


@contained
def test_solo_finds_a_place():
    """Read-only root, no home, no name: what is left is used, and the command line looks there."""
    for writable, environment, wanted in (
            (("/dev/shm",), {}, f"/dev/shm/memtend-{INNER}"),
            (("/tmp", "/dev/shm"), {"HOME": "/"}, f"/tmp/memtend-{INNER}"),
            (("/tmp", "/home"), {"HOME": "/home/me"}, "/home/me/.local/state/memtend/run"),
            (("/tmp", "/run/u"), {"XDG_RUNTIME_DIR": "/run/u"}, "/run/u/memtend")):
        out, err = solo(*script(LOOK), writable=writable, environment=environment)
        assert out.strip() == wanted + "/http.sock" and err == "", (out, err)
    out, err = solo(*script(LOOK), writable=("/run",), uid=0)
    assert out.strip() == "/run/memtend/http.sock" and err == "", (out, err)


@contained
def test_solo_without_any_place():
    out, err = solo("/bin/sh", "-c", "echo $MEMTEND_SOCK$LD_PRELOAD; exit 3", writable=(), code=3)
    assert out == "\n" and "no directory here can be written to" in err, (out, err)


@contained
def test_solo_leaves_a_mounted_agent_directory_alone():
    with Daemon() as daemon:
        agent = reachable(daemon)
        inode = os.stat(agent / "control.sock").st_ino
        # Another file system, as a node's /run is, with this one of the container beside it.
        out, err = solo(*script(LOOK), writable=("/run", "/tmp"), uid=0,
                        binds=[(str(agent), "/run/memtend/agent")])
        assert err == "" and out.strip(), (out, err)
        assert os.stat(agent / "control.sock").st_ino == inode
        assert daemon.get("/api/v1/status")["ticks"] > 0


ORPHANS = """
import os, sys, time
for _ in range(100):  # each leaves a child behind that ends at once
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os.wait()
def zombies():
    found = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            found += open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] == "Z"
        except OSError:
            pass
    return found
end = time.monotonic() + 20
while zombies() and time.monotonic() < end:
    time.sleep(0.01)
sys.exit(min(zombies(), 100))
"""


@contained
def test_solo_waits_for_orphans():
    solo(*script(ORPHANS))


@contained
def test_solo_exit_codes():
    for code in (0, 1, 42):
        assert solo("/bin/sh", "-c", f"exit {code}", code=code) == ("", "")
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV):
        solo("/bin/sh", "-c", f"kill -{int(number)} $$", code=128 + number)
    assert "no-such" in solo("no-such-program", code=127)[1]
    solo("/etc/passwd", code=126)


SIGNALS = """
import signal, sys
wanted = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2,
          signal.SIGWINCH, signal.SIGTERM]
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
print("ready", flush=True)
while True:
    number = signal.sigwait(wanted)
    print(signal.Signals(number).name, flush=True)
    if number == signal.SIGTERM:
        sys.exit(9)
"""


@contained
def test_solo_passes_signals_on():
    """As process 1, for which the kernel drops signals without a handler."""
    with Container(BUILD, [*SOLO, *script(SIGNALS)], writable=("/tmp",),
                   stdout=subprocess.PIPE) as one:
        assert one.process.stdout.readline() == "ready\n"
        for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGTERM"):
            os.kill(one.pid, getattr(signal, name))
            assert one.process.stdout.readline() == name + "\n"
        assert one.finish()[0] == 9


@contained
def test_solo_ends_all_with_the_program():
    """What the program left behind does not keep the container."""
    out, _ = solo("/bin/sh", "-c", "sleep 600 >/dev/null 2>&1 & echo started; exit 4", code=4)
    assert out == "started\n", out


if __name__ == "__main__":
    run([value for name, value in list(globals().items()) if name.startswith("test_")])
