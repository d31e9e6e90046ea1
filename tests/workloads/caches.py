# SPDX-License-Identifier: MIT
"""A service with a cache that it can do without, and work in batches; uses the Python package.
usage: caches.py MIB [flood]   flood: marks as fast as it can"""
import sys
import threading
import time

import memtend

ITEM = 3000  # bytes: too large for pymalloc, too small for a mapping of its own
cache, pins = {}, []


@memtend.on_pressure
def drop_cache():
    cache.clear()


@memtend.on_pressure
def fail():
    raise RuntimeError("this hook never works")


def fill(mib):
    for key in range((mib << 20) // ITEM):
        cache[key] = bytearray(ITEM)
        if key % 50 == 0:
            pins.append(bytearray(600))  # so that the heap's top does not fall by itself


@memtend.region("batch")
def work():
    time.sleep(0.05)


def flood():
    while True:
        for _ in range(100000):
            with memtend.region("flood"):
                pass
        time.sleep(0.1)


def main():
    if not memtend.start(name="caches"):
        sys.exit(memtend.status()["reason"])
    fill(int(sys.argv[1]))
    if sys.argv[2:] == ["flood"]:
        threading.Thread(target=flood, daemon=True).start()
    while True:
        work()
        time.sleep(1)


if __name__ == "__main__":
    main()
