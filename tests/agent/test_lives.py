# SPDX-License-Identifier: MIT
"""Many short lives and many forks under a daemon that never stops asking. A host that ends in any
other way than it would alone is one too many. MEMTEND_LONG=1: 10000 of each instead of 50;
MEMTEND_COUNT says another number."""
import os
import random
import sys
from concurrent.futures import ThreadPoolExecutor

from host import LONG, Host, Place, interpreters, need_agent, script
from standin import hammer

COUNT = 10000 if LONG else int(os.environ.get("MEMTEND_COUNT", "50"))

# (script, options, exit code): what a program may be doing when it ends. {0} is 0 to 30 ms.
LIVES = [
    ("pass", (), 0),
    ("pass", ("-S", "-E"), 0),
    ("import time; time.sleep({0})", (), 0),
    ("import json, threading, socket, time; time.sleep({0})", (), 0),
    # Daemon threads that sleep for good: busy ones crash CPython 3.10 at its end all by itself.
    ("import threading, time\n"
     "lock = threading.Lock(); lock.acquire()\n"
     "for i in range(3):\n"
     "    t = threading.Thread(target=lock.acquire); t.daemon = True; t.start()\n"
     "time.sleep({0})", (), 0),
    ("import threading, time\n"
     "def work():\n"
     "    for i in range(20000): [j for j in range(10)]\n"
     "threads = [threading.Thread(target=work) for i in range(3)]\n"
     "[t.start() for t in threads]; time.sleep({0}); [t.join() for t in threads]", (), 0),
    ("import atexit, gc, time\n"
     "atexit.register(gc.collect)\n"
     "time.sleep({0})", (), 0),
    ("import sys, time\n"
     "class A(object):\n"
     "    def __init__(self): self.me = self\n"
     "    def __del__(self): [i for i in range(100)]\n"
     "kept = [A() for i in range(5000)]\n"
     "time.sleep({0}); sys.exit(7)", (), 7),
    ("import os, time; time.sleep({0}); os._exit(3)", (), 3),
    ("import gc, time\n"
     "gc.disable()\n"
     "for i in range(50000):\n"
     "    a = []; a.append(a)\n"
     "time.sleep({0})", (), 0),
    ("import os, signal, time; time.sleep({0}); os.kill(os.getpid(), signal.SIGTERM)", (), -15),
]

# The parent waits for the first line (contact is made by then), forks, and counts bad ends.
FORKS = """if 1:
    import gc, os, sys
    gc.disable()
    kept = [[i] for i in range(20000)]
    print("up"); sys.stdout.flush()
    sys.stdin.readline()
    bad = 0
    for i in range({count}):
        pid = os.fork()
        if pid == 0:
            import json
            made = [[j] for j in range(2000 * (i % 3))]
            gc.collect()
            if i % 2:
                os._exit(5)
            try:
                sys.exit(5)
            finally:
                os._exit(5)
        if os.waitpid(pid, 0)[1] != 5 << 8:
            bad += 1
    print(bad)"""


def live(place, interpreter, number):
    text, options, code = LIVES[number % len(LIVES)]
    nap = random.Random(number).choice([0, 0, 0.001, 0.003, 0.01, 0.03])
    host = Host(place.daemon, script(interpreter, text.format(nap), *options))
    try:
        host.end(code=code)
        return None
    except Exception as error:
        host.kill()
        return "life %d: %s" % (number, error)


def starts(interpreter):
    with Place(hammer) as place, ThreadPoolExecutor(2) as pool:
        bad = [one for one in pool.map(lambda n: live(place, interpreter, n), range(COUNT)) if one]
        return bad, len(place.daemon.sessions)


def forks(interpreter):
    options = ("-W", "always") if interpreter.version >= (3, 12) else ()
    per_host = 50
    bad, said_hello = [], 0
    for _ in range(max(1, COUNT // per_host)):
        with Place(hammer) as place:
            host = Host(place.daemon, script(interpreter, FORKS.format(count=per_host), *options))
            try:
                session = place.daemon.session(host.pid)
                host.line()
                if interpreter.full:
                    session.wait_ready()
                host.go()
                host.end(b"0\n")
            except Exception as error:
                host.kill()
                bad.append(str(error))
            said_hello += len({one.pid for one in place.daemon.sessions if one.hello["forked"]})
    return bad, said_hello


def main():
    need_agent()
    work = {"starts": starts, "forks": forks}[sys.argv[1]]
    failed = False
    for interpreter in interpreters():
        bad, hellos = work(interpreter)
        failed = failed or bool(bad)
        print("CPython %-16s %d %s, %d bad, %d said hello" % (
            interpreter.label, COUNT, sys.argv[1], len(bad), hellos), flush=True)
        for one in bad[:5]:
            print("    " + one)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
