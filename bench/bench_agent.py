#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the agent costs its host, on every Python found. The anchor of each figure is the same
program bare, measured in the same run, turn by turn.

usage: bench_agent.py BUILD-DIRECTORY [rest] [start] [constructor] [fork] [ticker] [return]

Prints one JSON line per figure and interpreter; a real daemon listens and polls all the time.
  rest         PSS with agent less PSS bare, the library counted as if nobody shared it (KiB, median
               of three pairs); CPU at rest with the daemon's own polling (each 5 s) and with
               statistics each second, percent of a core
  start        `python -c pass` and /bin/true (inert there): wall time from spawn to wait, with less
               bare, median of the paired differences and their quartiles; calm_usec is the distance
               of the two lower quartiles, which a busy machine moves least. Before each start the
               daemon has finished its work on the process before: its CPU clock stands still.
               From 3.8 to 3.11 such a program ends before the agent has to do with its interpreter
  (start, too) first_contact_usec: the same for a program that lives on for 100 ms; cpu_* is the CPU
               time that was added, first contact in it
  constructor  in /bin/true, not named: clocks before and behind it (bench/stamp.c)
  fork         os.fork() + os.waitpid() of a child that ends at once: ratio of the medians, in a
               program that holds nothing (heap_mib 0) and in one with 64 MiB of small live objects,
               as a service has. What the agent adds grows little with the heap, while the fork
               itself copies page tables: the empty program is the worst case, the other what a
               service gets
  ticker       a thread that wakes each 1 ms beside 300,000 live objects and statistics each second:
               p99 and worst lateness, bare and with agent, both at the same time
  return       500 agents after the daemon was killed and started again, at once and 3 s later: when
               the last has said hello, from the start of the daemon
"""
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import time

BUILD = pathlib.Path(sys.argv[1]).resolve()
ONLY = sys.argv[2:]
os.environ["MEMTEND_BUILD"] = str(BUILD)
os.environ["MEMTEND_AGENT"] = AGENT = str(BUILD / "lib" / "libmemtend-agent.so")
sys.argv = sys.argv[:1]
ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "tests" / "agent")]
from host import environment, interpreters  # noqa: E402  the tests' own ways
from house import Daemon, hello_seconds, many_agents, wait_for  # noqa: E402

REST_PAIRS, REST_SECONDS = 3, 15
START_PAIRS, CONTACT_PAIRS, CONSTRUCTOR_RUNS = 200, 50, 200
FORK_TURNS, FORKS_PER_TURN, FORK_HEAPS_MIB = 8, 60, (0, 64)
# So many looks, so far apart, must find the daemon's clock where it was; its tick is 1 s.
STILL_LOOKS, STILL_SECONDS, STILL_LIMIT_SECONDS = 3, 0.002, 1
TICKER_SECONDS = 6

WAIT = "import sys; sys.stdin.readline()"
# Lives for longer than first contact takes; asleep, for work of its own would drown what is added.
LIVES = "import time; time.sleep(0.1)"
FORK = """if 1:
    import os, sys
    def rss_bytes():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    kept, begin = [], rss_bytes()
    while rss_bytes() - begin < %d << 20:
        kept.append([[i] for i in range(1000)])
    try:
        from time import perf_counter as clock
    except ImportError:
        from time import time as clock
    while sys.stdin.readline():
        times = []
        for i in range(%d):
            begin = clock()
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
            times.append(clock() - begin)
        print(" ".join("%%.7f" %% one for one in times)); sys.stdout.flush()"""
TICKER = """if 1:
    import sys, threading, time
    clock = getattr(time, "monotonic", time.time)
    kept = [[i] for i in range(300000)]
    late = []
    def tick(seconds):
        end = clock() + seconds
        while clock() < end:
            due = clock() + 0.001
            time.sleep(0.001)
            late.append(clock() - due)
    sys.stdin.readline()
    thread = threading.Thread(target=tick, args=(%d,))
    thread.start(); thread.join()
    print(" ".join("%%.7f" %% one for one in late)); sys.stdout.flush()""" % TICKER_SECONDS
POLL = "rule poll for each process where name = \"polled\": when heap.free > 900 GiB then trim"


def say(figure, target, **values):
    print(json.dumps({"bench": "agent", "figure": figure, **values, "target": target}), flush=True)


def bare_environment():
    env = environment("")
    del env["LD_PRELOAD"], env["MEMTEND_SOCK"]
    return env


def socket_of(daemon):
    return str(daemon.runtime / "agent" / "control.sock")


class Pair:
    """The same program bare and with an agent; both wait for a line on stdin."""

    def __init__(self, daemon, interpreter, text, **extra):
        self.label = interpreter.label
        self.bare, self.with_agent = [
            subprocess.Popen([interpreter.path, "-c", text], env=env, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
            for env in (bare_environment(), environment(socket_of(daemon), **extra))]
        self.both = (self.bare, self.with_agent)

    def go(self, process):
        process.stdin.write("go\n")
        process.stdin.flush()

    def numbers(self, process):
        return [float(number) for number in process.stdout.readline().split()]

    def end(self):
        for process in self.both:
            process.communicate()
            assert process.returncode == 0, (self.label, process.returncode)


def wait_ready(daemon, pairs):
    for pair in pairs:
        daemon.wait_agent(pair.with_agent.pid)


# ---- rest ----

def pss_kib(pid):
    """(PSS of all, less the library; RSS of the library; private and dirty of all)"""
    total = library = private = 0
    inside = False
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as file:
        for line in file:
            key, _, rest = line.partition(" ")
            if not key.endswith(":"):
                inside = "libmemtend-agent" in line
            elif key == "Pss:" and not inside:
                total += int(rest.split()[0])
            elif key == "Rss:" and inside:
                library += int(rest.split()[0])
            elif key == "Private_Dirty:":
                private += int(rest.split()[0])
    return total, library, private


def cpu_seconds(pid):
    """The CPU clock of another process: exact, and threads that have ended count."""
    return time.clock_gettime((~pid << 3) | 2)


def rest_cpu(pairs):
    """Percent of a core, (bare, with) for each pair."""
    def all_clocks():
        return [[cpu_seconds(process.pid) for process in pair.both] for pair in pairs]
    before, begin = all_clocks(), time.monotonic()
    time.sleep(REST_SECONDS)
    after, seconds = all_clocks(), time.monotonic() - begin
    return [[100 * (b - a) / seconds for a, b in zip(*clocks)] for clocks in zip(before, after)]


def rest(daemon):
    everybody = interpreters()
    pairs = [Pair(daemon, one, WAIT, MEMTEND_NAME="rest")
             for one in everybody for _ in range(REST_PAIRS)]
    wait_ready(daemon, pairs)
    first_of_each = pairs[::REST_PAIRS]
    slow = rest_cpu(first_of_each)
    for number, interpreter in enumerate(everybody):
        costs, dirty = [], []
        for pair in pairs[number * REST_PAIRS:][:REST_PAIRS]:
            bare, other = (pss_kib(process.pid) for process in pair.both)
            costs.append(other[0] - bare[0] + other[1])
            dirty.append(other[2] - bare[2])
        say("rest_pss_kib", 256, python=interpreter.label, median=statistics.median(costs),
            all=sorted(costs), library=other[1], private_dirty=statistics.median(dirty),
            bare_kib=bare[0])
    for pair in pairs:
        pair.end()
    polled = [Pair(daemon, one, WAIT, MEMTEND_NAME="polled") for one in everybody]
    wait_ready(daemon, polled)
    fast = rest_cpu(polled)
    for interpreter, (bare, each_5s), (_, each_1s) in zip(everybody, slow, fast):
        say("rest_cpu_percent", 0.05, python=interpreter.label, median=round(each_5s, 4),
            polled_each_second=round(each_1s, 4), bare=round(bare, 4), seconds=REST_SECONDS)
    for pair in polled:
        pair.end()


# ---- start ----

def wait_still(daemon):
    """Until the daemon rests: on two cores its work on one process disturbs the next."""
    deadline = time.monotonic() + STILL_LIMIT_SECONDS
    before, looks = cpu_seconds(daemon.process.pid), 0
    while looks < STILL_LOOKS and time.monotonic() < deadline:
        time.sleep(STILL_SECONDS)
        now = cpu_seconds(daemon.process.pid)
        looks = looks + 1 if now == before else 0
        before = now


def lifetime(daemon, command, env):
    wait_still(daemon)
    begin = time.perf_counter()
    pid = os.posix_spawn(command[0], command, env)
    _, status, usage = os.wait4(pid, 0)
    assert status == 0, (command, status)
    return time.perf_counter() - begin, usage.ru_utime + usage.ru_stime


def quartiles(values):
    return [round(value, 1) for value in statistics.quantiles(values, n=4)]


def start_of(daemon, label, command, target, figure="start_added_usec", pairs=START_PAIRS):
    bare, other = bare_environment(), environment(socket_of(daemon))
    times = []
    for number in range(pairs):
        order = ((bare, other), (other, bare))[number % 2]
        pair = [lifetime(daemon, command, env) for env in order]
        times.append(pair if number % 2 == 0 else pair[::-1])
    walls, clocks = ([[1e6 * run[which] for run in pair] for pair in times] for which in (0, 1))
    added, cpu = (quartiles([b - a for a, b in kind]) for kind in (walls, clocks))
    calm = [statistics.quantiles(side, n=4)[0] for side in zip(*walls)]
    say(figure, target, program=label, median=added[1], quartiles=added[::2],
        calm_usec=round(calm[1] - calm[0], 1), cpu_median_usec=cpu[1], cpu_quartiles_usec=cpu[::2],
        bare_usec=round(statistics.median(a for a, _ in walls)), pairs=len(times))


def start(daemon):
    start_of(daemon, "/bin/true, inert", ["/bin/true"], None)
    for interpreter in interpreters():
        start_of(daemon, interpreter.label, [interpreter.path, "-c", "pass"], 300)
        start_of(daemon, interpreter.label, [interpreter.path, "-c", LIVES], None,
                 "first_contact_usec", CONTACT_PAIRS)


def constructor(daemon):
    stamps = BUILD / "bench"
    figures = {}
    for what, library in (("agent", AGENT), ("nothing", "")):
        preload = ":".join(filter(None, (str(stamps / "stamp_behind.so"), library,
                                         str(stamps / "stamp_before.so"))))
        env = dict(environment(socket_of(daemon)), LD_PRELOAD=preload)
        runs = [subprocess.run(["/bin/true"], env=env, stdout=subprocess.PIPE, check=True).stdout
                for _ in range(CONSTRUCTOR_RUNS)]
        figures[what] = quartiles([int(run) / 1e3 for run in runs])
    say("constructor_usec", 20, program="/bin/true, inert", median=figures["agent"][1],
        quartiles=figures["agent"][::2], clock_alone_usec=figures["nothing"][1],
        runs=CONSTRUCTOR_RUNS)


# ---- fork ----

def fork_of(daemon, interpreter, heap_mib):
    pair = Pair(daemon, interpreter, FORK % (heap_mib, FORKS_PER_TURN))
    wait_ready(daemon, [pair])
    turns = []
    for number in range(FORK_TURNS + 1):
        medians = {}
        for process in pair.both[::-1] if number % 2 else pair.both:
            wait_still(daemon)
            pair.go(process)
            medians[process] = statistics.median(pair.numbers(process))
        if number > 0:  # the first warms up
            turns.append([medians[process] for process in pair.both])
    pair.end()
    ratios = statistics.quantiles([other / bare for bare, other in turns], n=4)
    bare, other = (1e6 * statistics.median(side) for side in zip(*turns))
    say("fork_ratio", 1.2, python=pair.label, heap_mib=heap_mib, median=round(ratios[1], 3),
        quartiles=[round(one, 3) for one in ratios[::2]], bare_usec=round(bare),
        agent_usec=round(other), forks=FORK_TURNS * FORKS_PER_TURN)


def fork(daemon):
    for interpreter in interpreters():
        for heap_mib in FORK_HEAPS_MIB:
            fork_of(daemon, interpreter, heap_mib)


# ---- ticker ----

def lateness(values):
    values = sorted(values)
    return values[int(len(values) * 0.99)] * 1e3, values[-1] * 1e3


def ticker(daemon):
    for interpreter in interpreters():
        pair = Pair(daemon, interpreter, TICKER, MEMTEND_NAME="polled")
        wait_ready(daemon, [pair])
        for process in pair.both:
            pair.go(process)
        (bare, bare_worst), (other, other_worst) = (
            lateness(pair.numbers(process)) for process in pair.both)
        pair.end()
        say("ticker_p99_added_msec", 1, python=interpreter.label, added=round(other - bare, 3),
            bare_p99_msec=round(bare, 3), agent_p99_msec=round(other, 3),
            bare_worst_msec=round(bare_worst, 2), agent_worst_msec=round(other_worst, 2),
            seconds=TICKER_SECONDS)


# ---- return ----

def come_back(_):
    count = 500

    def all_are_there():
        return daemon.get("/api/v1/status")["agents"] == count

    with Daemon(config="") as daemon, many_agents(daemon, count - 20, 20):
        wait_for("all agents", all_are_there, 60)
        for away_seconds in (0, 3):
            daemon.process.send_signal(signal.SIGKILL)
            daemon.process.wait()
            time.sleep(away_seconds)
            since = time.time()
            daemon.start()
            wait_for("all agents again", all_are_there, 60)
            back = hello_seconds(daemon, since)
            say("return_seconds", 2, agents=len(back), away_seconds=away_seconds,
                last=round(back[-1], 2), half=round(back[count // 2], 2), first=round(back[0], 2))


def main():
    parts = {"rest": rest, "start": start, "constructor": constructor, "fork": fork,
             "ticker": ticker, "return": come_back}
    for name in ONLY:
        if name not in parts:
            sys.exit(f"no part {name}; there are: {' '.join(parts)}")
    with Daemon(rules=POLL, config="") as daemon:
        wait_for("the socket", lambda: os.path.exists(socket_of(daemon)))
        for name, part in parts.items():
            if not ONLY or name in ONLY:
                part(daemon)


main()
