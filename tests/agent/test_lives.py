# SPDX-License-Identifier: MIT
"""Many short lives and many forks under a daemon that never stops asking. A host that ends in any
other way, or says anything else, than it does alone is one too many.

200 starts or forks for each interpreter; MEMTEND_LONG=1: 10000; MEMTEND_COUNT: another number."""
import itertools
import os
import random
import subprocess
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

from host import LONG, Host, Place, environment, interpreters, need_agent, script
from standin import DEADLINE, Hammer

COUNT = int(os.environ.get("MEMTEND_COUNT") or (10000 if LONG else 200))
# Lives of one interpreter at the same time: the agent's thread must meet a busy machine.
AT_ONCE = 2
FORKS_PER_HOST = 50

# (script, options): what a program may be doing when it ends. {0} is its argument, 0 to 30 ms. No
# script may end in a way that depends on chance when it is alone.
NAP = "float(__import__('sys').argv[1])"
LIVES = [
    ("pass", ()),
    ("pass", ("-S", "-E")),
    ("import time; time.sleep({0}); print('slept')", ()),
    ("import json, threading, socket, time; time.sleep({0}); print(json.dumps([1]))", ()),
    # Daemon threads that sleep for good: busy ones crash CPython 3.10 at its end all by itself.
    ("import threading, time\n"
     "lock = threading.Lock(); lock.acquire()\n"
     "for i in range(3):\n"
     "    t = threading.Thread(target=lock.acquire); t.daemon = True; t.start()\n"
     "time.sleep({0}); print(threading.active_count())", ()),
    ("import threading, time\n"
     "def work():\n"
     "    for i in range(20000): [j for j in range(10)]\n"
     "threads = [threading.Thread(target=work) for i in range(3)]\n"
     "[t.start() for t in threads]; time.sleep({0}); [t.join() for t in threads]", ()),
    # Threads that outlive the main thread: the interpreter waits for them.
    ("import sys, threading, time\n"
     "def work():\n"
     "    time.sleep({0} + 0.005); sys.stdout.write('late\\n')\n"
     "threading.Thread(target=work).start(); time.sleep({0})", ()),
    ("import atexit, gc, sys, time\n"
     "atexit.register(gc.collect)\n"
     "atexit.register(sys.stdout.write, 'first\\n')\n"
     "time.sleep({0})", ()),
    ("import sys, time\n"
     "class A(object):\n"
     "    def __init__(self): self.me = self\n"
     "    def __del__(self): [i for i in range(100)]\n"
     "kept = [A() for i in range(5000)]\n"
     "time.sleep({0}); sys.exit(7)", ()),
    # Every finaliser runs, once, whoever calls the collector.
    ("import gc, sys, time\n"
     "class A(object):\n"
     "    count = 0\n"
     "    def __del__(self): A.count += 1\n"
     "for i in range(3000): A()\n"
     "time.sleep({0}); gc.collect(); print(A.count)", ()),
    ("import os, sys, time\n"
     "time.sleep({0}); sys.stdout.write('x'); sys.stdout.flush(); os._exit(3)", ()),
    ("import gc, time\n"
     "gc.disable()\n"
     "for i in range(50000):\n"
     "    a = []; a.append(a)\n"
     "time.sleep({0}); print(gc.isenabled())", ()),
    ("import gc, time, weakref\n"
     "class A(object): pass\n"
     "seen = []\n"
     "kept = []\n"
     "for i in range(2000):\n"
     "    a = A(); a.me = a; kept.append(weakref.ref(a, seen.append))\n"
     "del a\n"
     "time.sleep({0}); gc.collect(); print(len(seen))", ()),
    ("import os, signal, time; time.sleep({0}); os.kill(os.getpid(), signal.SIGTERM)", ()),
    # Signals are the program's: each is seen, by its main thread.
    ("import os, signal, time\n"
     "seen = []\n"
     "signal.signal(signal.SIGUSR1, lambda *a: seen.append(a[0]))\n"
     "for i in range(50):\n"
     "    os.kill(os.getpid(), signal.SIGUSR1); [j for j in range(100)]\n"
     "time.sleep({0}); print(len(seen))", ()),
    # Nothing interrupts a system call that nobody meant to interrupt.
    ("import select, time\n"
     "clock = getattr(time, 'monotonic', time.time)\n"
     "begin = clock(); select.select([], [], [], {0} + 0.01)\n"
     "print(clock() - begin >= {0} + 0.009)",
     ()),
    ("import time; time.sleep({0}); raise ValueError('mine')", ()),
    ("import os, sys, time\n"
     "time.sleep({0})\n"
     "os.execv(sys.executable, [sys.executable, '-S', '-c', 'print(40 + 2)'])", ()),
    ("import subprocess, sys, time\n"
     "time.sleep({0}); sys.stdout.write(subprocess.check_output(['echo', 'a']).decode())", ()),
    # Nothing may appear there meanwhile. (3.6 and 3.8: it may, see builtin.c.)
    ("import sys, time\n"
     "clock = getattr(time, 'monotonic', time.time)\n"
     "end = clock() + {0}\n"
     "while clock() < end:\n"
     "    for name, module in sys.modules.items(): len(name)\n"
     "print('walked')", ("-S",)),
    ("import sys, time\n"
     "def walk():\n"
     "    try:\n"
     "        while True: yield [i for i in range(50)]\n"
     "    finally: sys.stdout.write('closed\\n')\n"
     "g = walk(); next(g); time.sleep({0}); del g", ()),
]

# The parent waits for a line (contact is made by then), forks, and counts bad ends. Children live
# from no time to some ms and end in every way that a program has.
FORKS = """if 1:
    import gc, os, select, sys, time
    gc.disable()
    kept = [[i] for i in range(20000)]
    print("up"); sys.stdout.flush()
    while not select.select([sys.stdin], [], [], 0.01)[0]:
        pass  # first contact with 2.7 and 3.6 needs a main thread that is awake
    sys.stdin.readline()
    bad = []
    for i in range({count}):
        pid = os.fork()
        if pid == 0:
            import json
            made = [[j] for j in range(2000 * (i % 3))]
            if i % 3 == 0:
                gc.collect()
            if i % 8 == 1:
                time.sleep(0.13)  # the agents of shorter lives only begin
            if i % 2:
                os._exit(5)
            sys.exit(5)
        end = os.waitpid(pid, 0)[1]
        if end != 5 << 8:
            bad.append((i, end))
    print(bad)"""


class Totals:
    """What came of one interpreter."""

    def __init__(self, interpreter):
        self.label = interpreter.label
        self.lives = self.agents = self.commands = self.collects = 0
        self.bad = []

    def add(self, place, hammer):
        self.agents += len({(one.pid, one.hello["fork_ppid"]) for one in place.daemon.sessions})
        self.commands += hammer.commands
        self.collects += hammer.collects

    def __str__(self):
        return "CPython %-16s %5d %s, %5d agents, %6d commands, %5d collects done, %d bad" % (
            self.label, self.lives, sys.argv[1], self.agents, self.commands, self.collects,
            len(self.bad))


def ended(command, env):
    """(exit code, stdout, stderr) of a program that is left alone."""
    process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    try:
        out, err = process.communicate(timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return "hung", b"", b""
    return process.returncode, out, err


def without_agent():
    env = environment("")
    del env["LD_PRELOAD"], env["MEMTEND_SOCK"]
    return env


def starts(interpreter):
    totals, hammer = Totals(interpreter), Hammer()

    def command(number, nap):
        text, options = LIVES[number % len(LIVES)]
        if "sys.modules" in text and interpreter.version[:2] in ((3, 6), (3, 8)):
            text = "pass"
        return script(interpreter, text.format(NAP), *options) + [str(nap)]

    def live(number):
        nap = random.Random(number).choice([0, 0, 0.001, 0.003, 0.01, 0.03])
        end = ended(command(number, nap), environment(place.daemon.path))
        if end != alone[number % len(LIVES)]:
            totals.bad.append("life %d: %s instead of %s: %s" % (
                number, end, alone[number % len(LIVES)], LIVES[number % len(LIVES)][0]))

    alone = [ended(command(number, 0), without_agent()) for number in range(len(LIVES))]
    with Place(hammer) as place, ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(live, range(COUNT)):
            totals.lives += 1
        totals.add(place, hammer)
    return totals


def forks(interpreter):
    totals = Totals(interpreter)
    options = ("-W", "always") if interpreter.version >= (3, 12) else ()

    def host_of(_):
        hammer = Hammer()
        count = min(FORKS_PER_HOST, COUNT)
        with Place(hammer) as place:
            host = Host(place.daemon, script(interpreter, FORKS.format(count=count), *options))
            try:
                session = place.daemon.session(host.pid)
                host.line()
                if interpreter.full:
                    session.wait_ready()
                host.go()
                host.end(b"[]\n", seconds=DEADLINE + count)
            except Exception as error:
                host.kill()
                totals.bad.append("%s: %s" % (type(error).__name__, error))
            totals.add(place, hammer)
            totals.lives += count

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(host_of, range(max(1, COUNT // FORKS_PER_HOST))))
    return totals


def work(interpreter):
    try:
        return {"starts": starts, "forks": forks}[sys.argv[1]](interpreter)
    except Exception:
        totals = Totals(interpreter)
        totals.bad.append(traceback.format_exc())
        return totals


def main():
    need_agent()
    bad = 0
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for totals in pool.map(work, interpreters()):
            bad += len(totals.bad)
            print(totals, flush=True)
            for one in itertools.islice(totals.bad, 5):
                print("    " + one)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
