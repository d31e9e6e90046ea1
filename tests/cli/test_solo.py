# SPDX-License-Identifier: MIT
"""`memtend run --solo`: a daemon and a program under one parent. Process 1 of a namespace is in
tests/e2e/test_containers.py."""

import contextlib
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from case import BUILD, MEMTEND, environment, main, memtend, skip, wait_for

HOME = pathlib.Path(tempfile.mkdtemp(prefix="memtend-solo-"))
FORWARDED = ("TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "WINCH", "ALRM", "RTMIN")

# Says which signals come; "end" on stdin ends it.
LISTENER = """
import os, signal, sys
seen = []
for name in %r:
    signal.signal(getattr(signal, "SIG" + name), lambda number, _: seen.append(number))
print(os.getpid(), os.getppid(), os.environ["MEMTEND_PID"], flush=True)
for line in sys.stdin:
    if line == "end\\n":
        break
    print(*[signal.Signals(number).name[3:] for number in seen], flush=True)
""" % (FORWARDED,)


def options(place=None):
    """Directories of its own for each, so that one that hangs takes no other with it."""
    place = place or tempfile.mkdtemp(dir=HOME)
    return ["run", "--runtime-dir", f"{place}/run", "--solo", "--state-dir", f"{place}/state"]


def environ(**extra):
    return environment({"HOME": str(HOME), **extra})


def solo(*command, code=None, **others):
    return memtend(*options(), "--", *command, code=code, env={"HOME": str(HOME)}, **others)


class Solo:
    """A running one, its program on pipes."""

    def __init__(self, *command, **extra):
        place = tempfile.mkdtemp(dir=HOME)
        self.runtime = pathlib.Path(place, "run")
        self.process = subprocess.Popen([MEMTEND, *options(place), "--", *command],
                                        env=environ(**extra),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.pid = self.process.pid

    def ask(self, line=""):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().split()

    def daemon(self):
        for pid in children(self.pid):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/exe") == str(BUILD.resolve() / "bin/memtendd"):
                    return pid
        return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.process.communicate(timeout=60)  # the end of its input ends every program here
        except subprocess.TimeoutExpired:
            for pid in (*children(self.pid), self.pid):
                os.kill(pid, signal.SIGKILL)
            raise


def children(pid):
    text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    return [int(child) for child in text.split()]


def exists(pid):
    return pathlib.Path(f"/proc/{pid}").exists()


def test_exit_status_is_the_programs():
    for code in (0, 1, 42, 255):
        said = solo("sh", "-c", f"exit {code}", code=code)
        assert said.err == "" and said.out == "", said
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV):
        assert solo("sh", "-c", f"kill -{int(number)} $$").code == 128 + number


def test_what_cannot_run():
    assert "no-such-program" in solo("no-such-program", code=127).err
    solo("/etc/passwd", code=126)
    said = memtend("run", "--runtime-dir", "/proc/self", "--solo", "true", code=125)
    assert "/proc/self" in said.err, said
    said = memtend("run", "--runtime-dir", HOME / "x", "--solo", "--state-dir", "/proc/self",
                   "true", code=125)
    assert "/proc/self" in said.err, said


def test_without_memtendd():
    tree = pathlib.Path(tempfile.mkdtemp(dir=HOME))
    shutil.copy(MEMTEND, tree / "memtend")
    (tree / "agent.so").touch()
    done = subprocess.run([tree / "memtend", *options(), "true"], check=False, capture_output=True,
                          env=environ(MEMTEND_AGENT=str(tree / "agent.so")), text=True)
    assert done.returncode == 125 and "memtendd" in done.stderr, done


def test_arguments_input_and_output():
    said = solo("cat", "-", input=b"line\n", stdin=None, code=0)
    assert said.out == "line\n" and said.err == "", said
    assert solo("printf", "%s|", "--json", "a b", "").out == "--json|a b||"


def links_of(pid):
    links = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            links.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
    return links


def test_parent_does_not_hold_the_output():
    with Solo("sh", "-c", "exec >&-; read line") as one:
        assert one.process.stdout.read() == ""  # its end comes although the program runs
        assert one.process.poll() is None


def test_descriptors():
    """The program has what it would have without; the parent and the daemon keep none of it."""
    with open(HOME / "held", "wb") as held:
        text = "ls -l /proc/self/fd; echo; read x"
        one = subprocess.Popen([MEMTEND, *options(), "--", "sh", "-c", text], env=environ(),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               pass_fds=[held.fileno()], text=True)
        path, lines = str(HOME / "held"), []
        while not lines or lines[-1] != "\n":
            lines.append(one.stdout.readline())
        assert any(path in line for line in lines), lines
        program = [pid for pid in children(one.pid) if path in links_of(pid)
                   and os.readlink(f"/proc/{pid}/exe").endswith("sh")]
        assert len(program) == 1, program
        for pid in {one.pid, *children(one.pid)} - set(program):
            wait_for("it lets go", lambda pid=pid: path not in links_of(pid))
        one.communicate("x\n", timeout=60)


def test_signals_are_passed_on():
    with Solo(sys.executable, "-c", LISTENER) as one:
        pid, parent, named = one.process.stdout.readline().split()
        assert pid == named and int(parent) == one.pid, (pid, parent, named)
        for name in FORWARDED:
            os.kill(one.pid, getattr(signal, "SIG" + name))
            wait_for(name, lambda name=name: name in one.ask())
        assert one.ask() == list(FORWARDED)
        one.process.stdin.write("end\n")
        one.process.stdin.flush()
        assert one.process.wait(60) == 0


def test_signals_and_children_that_the_caller_ignored():
    text = "import signal; print(signal.getsignal(signal.SIGCHLD), signal.getsignal(signal.SIGHUP))"

    def ignore():
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    for command in ([MEMTEND, *options()], ["env"]):
        done = subprocess.run([*command, sys.executable, "-c", text], env=environ(), check=True,
                              capture_output=True, text=True, preexec_fn=ignore, timeout=60)
        assert done.stdout == f"{signal.SIG_IGN} {signal.SIG_IGN}\n", done


def test_kill_0_in_the_program_is_not_echoed():
    text = "trap 'echo got' TERM; kill 0; read x; trap - TERM; kill -9 $$"
    process = subprocess.Popen([MEMTEND, *options(), "sh", "-c", text], env=environ(),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               start_new_session=True, text=True)
    out, _ = process.communicate("x\n", timeout=60)
    assert out == "got\n" and process.returncode == 137, (out, process.returncode)


def test_the_daemon_serves_and_ends():
    with Solo(sys.executable, "-c", LISTENER) as one:
        pid = one.process.stdout.readline().split()[0]
        env = {"MEMTEND_RUNTIME_DIR": str(one.runtime)}

        def agent():
            said = memtend("ps", "--json", env=env)
            items = said.json()["items"] if said.code == 0 and "from the daemon" in said.err else []
            return [item for item in items
                    if item["pid"] == int(pid) and item["agent"]["state"] == "ready"]
        wait_for("an agent that is ready", agent)
        daemon = one.daemon()
        assert not tcp_sockets(daemon), "a TCP socket that nobody asked for"
        one.process.stdin.write("end\n")
        one.process.stdin.flush()
        assert one.process.wait(60) == 0
        assert not exists(daemon), "the daemon was left behind"
        assert one.process.stderr.read() == ""


def tcp_sockets(pid):
    inodes = set()
    for name in ("tcp", "tcp6"):
        lines = pathlib.Path(f"/proc/{pid}/net/{name}").read_text(encoding="utf-8").splitlines()[1:]
        inodes |= {f"socket:[{line.split()[9]}]" for line in lines}
    return links_of(pid) & inodes


def test_http_when_asked_for():
    command = [MEMTEND, *options(), "--http", "127.0.0.1:0", "--", "sh", "-c", "read x"]
    with subprocess.Popen(command, env=environ(), stdin=subprocess.PIPE) as one:
        wait_for("a TCP socket", lambda: any(tcp_sockets(pid) for pid in children(one.pid)))
        one.communicate(b"x\n", timeout=60)


def test_the_end_of_the_daemon_does_not_end_the_program():
    with Solo(sys.executable, "-c", LISTENER) as one:
        program = int(one.process.stdout.readline().split()[0])
        first = wait_for("the daemon", one.daemon)
        os.kill(first, signal.SIGKILL)
        said = one.process.stderr.readline()
        assert "memtendd ended with signal 9" in said and str(one.runtime) in said, said
        again = wait_for("another daemon", one.daemon)
        assert again != first and exists(program) and one.process.poll() is None
        one.process.send_signal(signal.SIGTERM)
        wait_for("the signal", lambda: "TERM" in one.ask())


def test_a_wrong_configuration_is_not_tried_again():
    folder = HOME / "config/memtend"
    folder.mkdir(parents=True)
    (folder / "memtend.conf").write_text("[Daemon]\nNoSuchKey=1\n", encoding="utf-8")
    if os.geteuid() == 0:
        print("SKIP: root's configuration is in /etc")
        return
    with Solo("sh", "-c", "read x", XDG_CONFIG_HOME=str(HOME / "config")) as one:
        assert "refuses its configuration" in one.process.stderr.readline()
        assert "NoSuchKey" in (one.runtime / "log").read_text(encoding="utf-8")
        assert one.process.poll() is None


def terminal(*command):
    """Runs a command as the leader of a terminal's session: (pid, the terminal's other side)."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execvpe(command[0], command, environ(TERM="dumb"))
    return pid, fd


def read_until(fd, wanted):
    text = b""
    while wanted not in text:
        text += os.read(fd, 4096)
    return text


def ask_terminal(fd):
    """The listener's answer to an empty line, behind the terminal's echo of it."""
    text = b""
    os.write(fd, b"\n")
    while text.count(b"\r\n") < 2:
        text += os.read(fd, 4096)
    return text.split(b"\r\n")[1].split()


def test_a_terminal_interrupts_once():
    signal.alarm(60)
    pid, fd = terminal(MEMTEND, *options(), "--", sys.executable, "-c", LISTENER)
    read_until(fd, b"\n")
    for count in (1, 2, 3):
        os.write(fd, b"\x03")
        wait_for("the interrupt", lambda count=count: ask_terminal(fd).count(b"INT") >= count)
        # What is passed on comes in the order of its numbers: nothing is on its way behind this.
        os.kill(pid, signal.SIGUSR1)
        wait_for("the signal", lambda count=count: ask_terminal(fd).count(b"USR1") == count)
        assert ask_terminal(fd) == [b"INT", b"USR1"] * count, ask_terminal(fd)
    os.write(fd, b"end\n")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(fd)
    signal.alarm(0)


def test_job_control():
    """Ctrl-Z stops parent and program as one job of the shell; fg continues both."""
    if not shutil.which("bash"):
        print("SKIP: bash is absent")
        return
    signal.alarm(60)
    text = "'echo ready; read line; echo got $line; exit 5'"
    job = " ".join([MEMTEND, *options(), "--", "sh", "-c", text])
    pid, fd = terminal("bash", "-c", f"set -m; {job}; echo stopped $?; fg; echo done $?")
    read_until(fd, b"ready")
    os.write(fd, b"\x1a")
    assert b"stopped 148" in read_until(fd, b"stopped 148")
    os.write(fd, b"word\n")
    text = read_until(fd, b"done 5")
    assert b"got word" in text, text
    os.waitpid(pid, 0)
    os.close(fd)
    signal.alarm(0)


def test_sockets_handed_over_are_the_programs():
    said = subprocess.run(["sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=0 exec "$@"', "sh", MEMTEND,
                           *options(), "--", "sh", "-c", "test $LISTEN_PID = $$"], env=environ(),
                          check=False, timeout=60)
    assert said.returncode == 0, said


if __name__ == "__main__":
    for program in ("bin/memtendd", "lib/libmemtend-agent.so"):
        if not (BUILD / program).exists():
            skip(f"{program} is not built here")
    try:
        main()
    finally:
        shutil.rmtree(HOME, ignore_errors=True)
