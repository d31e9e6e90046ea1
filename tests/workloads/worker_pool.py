#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A multiprocessing pool whose workers wait, or one of many short workers.

usage: worker_pool.py fork|spawn|forkserver [WORKERS] [SHORT]   default 3 workers

With SHORT, so many workers one after another do one small task each, then the master waits.
"""
import multiprocessing
import sys
import time


def wait(_):
    time.sleep(600)


def task(_):
    time.sleep(0.3)


def main():
    method = sys.argv[1]
    workers = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    short = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    context = multiprocessing.get_context(method)
    if short:
        with context.Pool(workers, maxtasksperchild=1) as pool:
            pool.map(task, range(short), chunksize=1)
        time.sleep(600)
    with context.Pool(workers) as pool:
        pool.map(wait, range(workers), chunksize=1)


if __name__ == "__main__":
    main()
