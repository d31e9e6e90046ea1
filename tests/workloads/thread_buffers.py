#!/usr/bin/env python3
"""Buffers freed by threads but held by malloc: pages that only a trim gives back.

usage: thread_buffers.py [MIB]   about MIB (default 150) of freed buffers in 8 threads' arenas

Each thread keeps one small block at the end of its arena, so that free() cannot return the top;
this is what a service looks like after a burst of requests.
"""
import os
import sys
import threading
import time

THREADS = 8
BUFFER = 48 * 1024  # below malloc's mmap threshold: taken from the arena


def burst(mebibytes, pins, barrier):
    buffers = [bytearray(BUFFER) for _ in range(mebibytes * 1024 * 1024 // BUFFER)]
    pins.append(bytearray(4096))
    barrier.wait()
    del buffers
    barrier.wait()
    while True:
        time.sleep(3600)


def main():
    mebibytes = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    pins = []
    barrier = threading.Barrier(THREADS + 1)
    for _ in range(THREADS):
        threading.Thread(target=burst, args=(mebibytes // THREADS, pins, barrier),
                         daemon=True).start()
    barrier.wait()
    barrier.wait()
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.2)


main()
