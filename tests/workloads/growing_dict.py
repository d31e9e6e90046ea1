#!/usr/bin/env python3
"""A global dict that only grows: live data, which no collection and no trim can free.

usage: growing_dict.py [MIB]   grow to MIB (default 150) at once, then by 1 MiB a second up to twice
"""
import os
import sys
import time

SESSIONS = {}


def grow(count):
    for _ in range(count):
        SESSIONS[len(SESSIONS)] = bytes(900)


def main():
    mebibytes = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    grow(mebibytes * 1024)
    parent = os.getppid()
    while os.getppid() == parent:
        if len(SESSIONS) < 2 * mebibytes * 1024:
            grow(1024)
        time.sleep(1)


main()
