#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A program whose memory has one known cause; then it only sleeps.

usage: holders.py CAUSE [MIB]   CAUSE is a name in CAUSES below; about MIB (default 120)
"""
import gc
import mmap
import os
import signal
import sys
import tempfile
import threading
import time

KEPT = []


def kept(mib):
    """Freed buffers below a block that is in use: malloc keeps them."""
    buffers = [bytearray(b"k") * (48 * 1024) for _ in range((mib << 20) // (48 * 1024))]
    KEPT.append([bytearray(4096) for _ in range(256)])  # one of them ends up above the buffers
    del buffers[:]


def cycles(mib):
    """Dead cycles of small objects with the collector off."""
    gc.disable()
    for _ in range((mib << 20) // 250):
        cycle = [None] * 4
        cycle[0] = {"cycle": cycle}


def saveall(mib):
    """Cycles that are dead and kept in gc.garbage."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    cycles(mib)
    gc.collect()


def live(mib):
    """A dict of objects that are all referred to."""
    table = {number: "value-%0120d" % number for number in range((mib << 20) // 300)}
    KEPT.append(table)


def live_off(mib):
    """The same of containers, with the collector off."""
    gc.disable()
    KEPT.append([[number] for number in range((mib << 20) // 110)])


def pinned(mib):
    """One small object of fifty survives: hardly a pool is free."""
    objects = [b"%0200d" % number for number in range((mib << 20) // 260)]
    KEPT.append(objects[::50])
    del objects[:]


def buffer(mib):
    """One large object."""
    KEPT.append(bytearray(b"x") * (mib << 20))


def mapping(mib):
    """Anonymous memory that no allocator knows of."""
    area = mmap.mmap(-1, mib << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for page in range(0, mib << 20, mmap.PAGESIZE):
        area[page] = 1
    KEPT.append(area)


def shm(mib):
    """Shared anonymous memory."""
    area = mmap.mmap(-1, mib << 20)
    for page in range(0, mib << 20, mmap.PAGESIZE):
        area[page] = 1
    KEPT.append(area)


def file(mib):
    """A mapped file that was read."""
    with tempfile.TemporaryFile(dir=os.environ.get("MEMTEND_TEST_DIR")) as store:
        for _ in range(mib):
            store.write(b"y" * (1 << 20))
        store.flush()
        area = mmap.mmap(store.fileno(), mib << 20, access=mmap.ACCESS_READ)
    KEPT.append(sum(area[page] for page in range(0, mib << 20, mmap.PAGESIZE)))
    KEPT.append(area)


def nested(depth):
    """Each level goes through C, which takes some hundred bytes of stack in every version."""
    return sum(map(nested, (depth - 1,))) if depth > 0 else 0


def threads(mib, count=200):
    """Stacks that were once deep."""
    each = (mib << 20) // count
    threading.stack_size((4 * each + (1 << 20)) & ~4095)
    sys.setrecursionlimit(10 ** 6)
    ready = threading.Barrier(count + 1)

    def work():
        nested(each // 600)
        ready.wait()
        time.sleep(36000)
    for _ in range(count):
        threading.Thread(target=work, daemon=True).start()
    ready.wait()


def master(mib, touch=False):
    """A forked worker of a master with many objects; with touch it counts references on SIGUSR1,
    which copies their pages."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    parent = os.getpid()
    KEPT.append([[number] for number in range((mib << 20) // 110)])
    worker = os.fork()
    if worker == 0:
        while touch and not signal.sigtimedwait({signal.SIGUSR1}, 0.2):
            if os.getppid() != parent:
                os._exit(0)
        if touch:
            gc.collect()
        rest(parent)
        os._exit(0)


def copied(mib):
    master(mib, touch=True)


CAUSES = {function.__name__: function for function in (
    kept, cycles, saveall, live, live_off, pinned, buffer, mapping, shm, file, threads, master,
    copied)}


def rest(parent):
    while os.getppid() == parent:
        time.sleep(0.2)


def main():
    parent = os.getppid()
    CAUSES[sys.argv[1]](int(sys.argv[2]) if len(sys.argv) > 2 else 120)
    rest(parent)


if __name__ == "__main__":
    main()
