# SPDX-License-Identifier: MIT
"""`memtend top` on a terminal of its own."""

import contextlib
import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from case import MEMTEND, main, memtend
from fake_daemon import FakeDaemon
from shapes import PROCESS, listing

DEADLINE = 60


class Terminal:
    """memtend top behind a terminal of 40 lines and 160 columns: with Terminal(...) as terminal"""

    def __init__(self, *arguments, term="xterm", **env):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
        self.process = subprocess.Popen(
            [MEMTEND, "top", *arguments], stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, env=dict(os.environ, TERM=term, LC_ALL="C.UTF-8", **env))
        os.close(slave)
        self.said = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        if self.master >= 0:
            os.close(self.master)

    def read(self, seconds):
        if select.select([self.master], [], [], seconds)[0]:
            with contextlib.suppress(OSError):
                self.said += os.read(self.master, 65536).decode(errors="replace")

    def wait(self, *texts):
        """Until each of these was drawn since the last wait()."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            if all(text in self.said for text in texts):
                self.said = ""
                return
            self.read(0.1)
        raise AssertionError((texts, self.said[-2000:]))

    def type(self, keys):
        os.write(self.master, keys.encode())

    def ended(self):
        end = time.monotonic() + DEADLINE
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.1)
        with contextlib.suppress(OSError):  # EIO is the end: a terminal hands over bit by bit
            while self.process.poll() is not None:
                self.said += os.read(self.master, 65536).decode(errors="replace")
        return self.process.poll()


@contextlib.contextmanager
def nowhere():
    with tempfile.TemporaryDirectory(prefix="memtend-cli-") as folder:
        yield {"MEMTEND_RUNTIME_DIR": folder}


def test_alone():
    with nowhere() as env, Terminal("-q", "test_top.py", **env) as terminal:
        terminal.wait("PID", "RSS", "COMMAND", "from /proc", "test_top.py")
        terminal.type("p\x0c")  # Ctrl-L: what has not changed is drawn too
        terminal.wait("by pss")
        terminal.type("\r")
        terminal.wait("confidence: ", "any key")
        terminal.type(" ")
        terminal.wait("COMMAND")
        terminal.type("q")
        assert terminal.ended() == 0


def test_daemon():
    evil = dict(PROCESS, cmdline="evil \x1b[2J\u202e", comm="x\n")
    with FakeDaemon() as daemon:
        daemon.answer("GET", "/api/v1/processes", listing(PROCESS, dict(evil, id="4712-1", pid=4712)))
        with Terminal(MEMTEND_RUNTIME_DIR=str(daemon.runtime)) as terminal:
            terminal.wait("from the daemon", "4711", "247 MiB", "python3 etl.py", "4712")
            terminal.type("j\r")
            terminal.wait("gone, or cannot be looked into")
            terminal.type("xq")
            assert terminal.ended() == 0


def test_grows():
    sizes = iter(range(100, 100000))

    def growing(_):
        return listing(dict(PROCESS, rss_bytes=next(sizes) << 20))
    with FakeDaemon() as daemon:
        daemon.answer("GET", "/api/v1/processes", growing)
        with Terminal(MEMTEND_RUNTIME_DIR=str(daemon.runtime)) as terminal:
            terminal.wait("100 MiB")
            terminal.wait("+1.0 MiB")  # looked at again by itself
            terminal.type("q")
            assert terminal.ended() == 0


def test_daemon_that_goes():
    with FakeDaemon() as daemon:
        daemon.answer("GET", "/api/v1/processes", listing(PROCESS))
        with Terminal(MEMTEND_RUNTIME_DIR=str(daemon.runtime)) as terminal:
            terminal.wait("4711")
            daemon.stop()
            terminal.type(" ")
            terminal.wait("NO ANSWER")
            terminal.type("q")
            assert terminal.ended() == 0


def test_terminal_that_goes():
    """It ends with its terminal, and does not turn on an empty one."""
    with nowhere() as env, Terminal(**env) as terminal:
        terminal.wait("PID")
        os.close(terminal.master)
        terminal.master = -1
        assert terminal.process.wait(DEADLINE) is not None


def test_no_terminal():
    said = memtend("top", code=2)
    assert "needs a terminal" in said.err and "memtend ps" in said.err, said
    with nowhere() as env, Terminal(term="no-such-terminal", **env) as terminal:
        assert terminal.ended() == 1
        assert "no-such-terminal" in terminal.said, terminal.said
    with nowhere() as env, Terminal("--sort", "nonsense", **env) as terminal:
        assert terminal.ended() == 2


def test_interrupted():
    with nowhere() as env, Terminal(**env) as terminal:
        terminal.wait("PID")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.ended() == 0
        assert re.search(r"\x1b\[\?1049l", terminal.said), "the screen is not given back"


if __name__ == "__main__":
    main()
