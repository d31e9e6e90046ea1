# SPDX-License-Identifier: MIT
"""target.py WORKLOAD: memory of a Python process to be scanned, on any version from 2.7 on.

Says "ready" when it rests, and on 3.x tells on stderr what the interpreter knows of its pools
(sys._debugmallocstats) just before. Ends when its standard input does.
"""
import os
import random
import sys
import threading

random.seed(1)
KEPT = []


def mixed(count):
    """Objects of every size class, a part of them freed again at random."""
    held = [bytearray(b"x") * 0 or ("k%d" % i) * (i % 40) for i in range(count)]
    held += [tuple(range(i % 50)) for i in range(count)]
    held += [{i: str(i)} for i in range(count // 4)]
    random.shuffle(held)
    del held[count // 2:]
    KEPT.append(held)


def threads():
    """Many threads, each with its own objects, half of them dropped."""
    gate, done = threading.Event(), threading.Semaphore(0)

    def work(number):
        mixed(2000)
        if number % 2:
            KEPT.pop()
        done.release()
        gate.wait()
    for number in range(20):
        thread = threading.Thread(target=work, args=(number,))
        thread.daemon = True
        thread.start()
    for number in range(20):
        done.acquire()
    wait_for_threads()


def wait_for_threads():
    """Until all others sleep, so that none of them allocates any more."""
    me = os.getpid()
    for task in os.listdir("/proc/self/task"):
        while int(task) != me:
            with open("/proc/self/task/%s/stat" % task) as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "S":
                    break


def data():
    """Large memory that is no pool: random bytes, small numbers."""
    import array
    KEPT.append(bytearray(os.urandom(24 << 20)))
    KEPT.append(array.array("I", (i % 4200 for i in range(1 << 20))))
    mixed(10000)


def forked():
    """A child with its parent's heap; half of the pages are its own by now."""
    mixed(20000)
    if os.fork():
        os.wait()
        os._exit(0)
    mixed(10000)


def churn():
    """Says ready and goes on: always the same number of live objects, never the same ones."""
    mixed(20000)
    held = KEPT[0]
    os.write(1, b"ready\n")
    number = 0
    while True:
        number += 1
        held[number % len(held)] = ("c%d" % number) * (number % 40)


def rest():
    stats = getattr(sys, "_debugmallocstats", None)
    if stats:
        stats()
    os.write(1, b"ready\n")
    os.read(0, 1)


if __name__ == "__main__":
    name = sys.argv[1]
    if name == "mixed":
        mixed(40000)
    else:
        globals()[name]()
    rest()
