#!/usr/bin/env python3
"""A prefork master with many live objects and idle workers that share them.

usage: prefork.py [OBJECTS] [WORKERS]   default 1,000,000 objects, 4 workers

A collection in a worker would write to every object's header and so copy the shared heap.
"""
import os
import sys
import time

CATALOGUE = []


def work():
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.2)


def main():
    objects = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    workers = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    CATALOGUE.extend([number] for number in range(objects))
    for _ in range(workers):
        if os.fork() == 0:
            work()
            os._exit(0)
    work()


main()
