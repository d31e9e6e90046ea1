#!/usr/bin/env python3
"""Reference cycles with gc off: memory that only a collection can free.

usage: cycles.py [MIB]   build about MIB (default 150) of dead cycles, then stay idle
"""
import gc
import os
import sys
import time


class Node:
    """Half of a cycle; the payload makes it weigh about 1 KiB."""

    __slots__ = ("other", "payload")

    def __init__(self):
        self.other = None
        self.payload = bytes(900)


def main():
    mebibytes = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    gc.disable()
    for _ in range(mebibytes * 512):
        one, two = Node(), Node()
        one.other, two.other = two, one
    one = two = None
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.2)


main()
