#!/usr/bin/env python3
"""A parent whose malloc holds freed pages, and a forked child that shares them.

usage: fork_shared_heap.py [MIB]   default 150

A trim in the child makes the child's RSS fall, but the machine gets nothing back: the parent
still holds the pages.
"""
import os
import sys
import time


def idle():
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.2)


def main():
    mebibytes = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    buffers = [bytearray(48 * 1024) for _ in range(mebibytes * 1024 // 48)]
    pins = [bytearray(4096) for _ in range(256)]  # one of them ends up above the buffers
    del buffers
    if os.fork() == 0:
        idle()
        os._exit(0)
    idle()
    del pins


main()
