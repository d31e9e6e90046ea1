# SPDX-License-Identifier: MIT
"""Programs with an agent inside: finding interpreters, starting them, judging how they ended."""
import collections
import glob
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor

from standin import DEADLINE, Daemon

AGENT = os.environ.get("MEMTEND_AGENT", "")
LONG = os.environ.get("MEMTEND_LONG") == "1"
SKIP = 77
# Cases at the same time. Most of a case is waiting: for a contact, a timeout, a connection.
AT_ONCE = 2 * len(os.sched_getaffinity(0))
WORKLOADS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "workloads")


class Failure(Exception):
    """A test found something wrong."""


def check(condition, text):
    if not condition:
        raise Failure(text)


def need_agent():
    if not AGENT or not os.path.exists(AGENT):
        print("SKIP: libmemtend-agent.so is not built here")
        sys.exit(SKIP)


class Interpreter:
    def __init__(self, path):
        self.path = path
        text = subprocess.run([path, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"],
                              stdout=subprocess.PIPE, check=True).stdout.decode().strip()
        self.label = text + (" (system)" if path.startswith("/usr") else "")
        self.version = tuple(int(part) for part in text.split("."))
        self.full = self.version < (3, 14)  # older than 2.7 and between 2.7 and 3.6: not here


def interpreters():
    """The system's python3 and every one that pyenv has."""
    root = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    paths = sorted(glob.glob(os.path.join(root, "versions", "*", "bin", "python")))
    if os.path.exists("/usr/bin/python3"):
        paths.append("/usr/bin/python3")
    only = os.environ.get("MEMTEND_PYTHON")  # a regular expression on the version
    found = [Interpreter(path) for path in paths]
    found = [one for one in found if not only or re.search(only, one.label)]
    if not found:
        print("SKIP: no Python interpreter found")
        sys.exit(SKIP)
    return sorted(found, key=lambda one: one.version)


def environment(path, **extra):
    env = {key: value for key, value in os.environ.items()
           if not key.startswith(("MEMTEND", "PYTHON", "SYSTEMD_EXEC_PID"))}
    env.update(LD_PRELOAD=AGENT, MEMTEND_SOCK=path)
    env.update(extra)
    return env


class Host:
    """A started program. stdin is a pipe: it waits there for go()."""

    def __init__(self, daemon, command, **env):
        self.process = subprocess.Popen(
            command, env=environment(daemon.path, **env), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.pid = self.process.pid

    def go(self):
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()

    def line(self):
        return self.process.stdout.readline().decode().strip()

    def wait_asleep(self):
        """Until the main thread sleeps in the kernel."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            with open("/proc/%d/task/%d/stat" % (self.pid, self.pid)) as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "S":
                    return
            time.sleep(0.001)
        raise Failure("the main thread never slept")

    def agents_switches(self):
        """How often the agent's thread has gone to sleep."""
        for task in os.listdir("/proc/%d/task" % self.pid):
            try:
                with open("/proc/%d/task/%s/status" % (self.pid, task)) as file:
                    text = file.read()
            except OSError:
                continue  # a job's, which has ended
            if text.startswith("Name:\tmemtend-agent\n"):
                return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.M).group(1))
        raise Failure("the agent has no thread")

    def rss_bytes(self):
        with open("/proc/%d/statm" % self.pid) as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def end(self, expected=b"", code=0, seconds=DEADLINE):
        """Wait for the end; exit code, stdout and a silent stderr must be as they should."""
        try:
            out, err = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise Failure("hung") from None
        check(self.process.returncode == code, "exit code %d instead of %d, stderr: %s" % (
            self.process.returncode, code, err.decode(errors="replace")[-4000:]))
        check(err == b"", "stderr: " + err.decode(errors="replace")[-4000:])
        if expected is not None:
            check(out == expected, "stdout: %r" % out[-400:])
        return out

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def script(interpreter, text, *options):
    return [interpreter.path, *options, "-c", text]


class Place:
    """A folder with a daemon in it, for one test."""

    def __init__(self, hammer=None, uid=None):
        self._folder = tempfile.TemporaryDirectory(prefix="memtend-test-")
        os.chmod(self._folder.name, 0o755)
        self.folder = self._folder.name
        self.daemon = Daemon(os.path.join(self.folder, "control.sock"), hammer, uid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.daemon.stop()
        self._folder.cleanup()


def run_alone(*cases):
    """Cases that need no interpreter; one line each; exits."""
    bad = 0
    for case in cases:
        try:
            case()
            print("passed " + case.__name__, flush=True)
        except Exception as error:  # a test must never take the others with it
            bad += 1
            print("FAILED %s: %s: %s" % (case.__name__, type(error).__name__, error))
    sys.exit(1 if bad else 0)


_work, _jobs = None, []  # handed over by fork: not every function can be pickled


def _do(number):
    return _work(_jobs[number])


def at_once(work, jobs, count=AT_ONCE):
    """What work makes of each job, in their order, so many at a time, in processes of their own."""
    global _work, _jobs
    _work, _jobs = work, jobs
    sys.stdout.flush()  # else each process would say it again
    with ProcessPoolExecutor(count, multiprocessing.get_context("fork")) as pool:
        yield from pool.map(_do, range(len(jobs)))


def attempt(job):
    """None, or what went wrong."""
    case, interpreter = job
    try:
        case(interpreter)
        return None
    except Exception as error:  # a test must never take the others with it
        return "%s: %s" % (type(error).__name__, error)


def run_cases(cases):
    """Each case with each interpreter that can; one line a version; exits."""
    need_agent()
    found = interpreters()
    jobs = [(case, interpreter) for interpreter in found for case in cases
            if interpreter.version >= getattr(case, "minimum", (2, 7))]
    bad, passed = 0, collections.Counter()
    for (case, interpreter), error in zip(jobs, at_once(attempt, jobs)):
        passed[interpreter.label] += error is None
        if error:
            bad += 1
            print("FAILED %s, CPython %s: %s" % (case.__name__, interpreter.label, error),
                  flush=True)
    for interpreter in found:
        print("CPython %-16s %d cases passed" % (interpreter.label, passed[interpreter.label]))
    sys.exit(1 if bad else 0)


def since(*version):
    def mark(function):
        function.minimum = version
        return function
    return mark
