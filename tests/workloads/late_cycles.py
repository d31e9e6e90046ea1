#!/usr/bin/env python3
"""Crosses a threshold at known instants and writes down when a collection begins.

usage: late_cycles.py FILE ROUNDS MIB

Each round: allocate MIB of buffers and some dead cycles (gc off), note the time, wait for a full
collection, note the time, drop everything. FILE gets one line a round: CROSSED COLLECTED, both in
seconds of CLOCK_MONOTONIC.
"""
import gc
import os
import sys
import time

begun = []


def on_gc(phase, info):
    if phase == "start" and info["generation"] == 2:
        begun.append(time.monotonic())


def main():
    path, rounds, mebibytes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    parent = os.getppid()
    gc.disable()
    gc.callbacks.append(on_gc)
    for _ in range(rounds):
        buffers = []
        for _ in range(20000):
            cycle = []
            cycle.append(cycle)
        buffers = [bytearray(1 << 20) for _ in range(mebibytes)]
        crossed = time.monotonic()
        begun.clear()
        while not begun and os.getppid() == parent:
            time.sleep(0.01)
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{crossed} {begun[0]}\n")
        del buffers
        time.sleep(2.5)


main()
