#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A master with a shared heap and two forked workers: one collects garbage, one leaves it alone.

usage: touching_workers.py [OBJECTS]   default 500,000 objects

Prints the pids of the idle and of the collecting worker. The collection finds nothing, but writes
to the head of every object: the worker gets copies of all these pages.
"""
import gc
import os
import sys
import time

CATALOGUE = []


def work(collects):
    parent = os.getppid()
    if collects:
        gc.collect()
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(0)


def main():
    gc.disable()
    objects = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    CATALOGUE.extend([number] for number in range(objects))
    children = []
    for collects in (False, True):
        child = os.fork()
        if child == 0:
            work(collects)
        children.append(child)
    print(*children, flush=True)
    while True:
        time.sleep(1)


main()
