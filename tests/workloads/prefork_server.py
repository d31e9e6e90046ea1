#!/usr/bin/env python
# SPDX-License-Identifier: MIT
"""A small prefork server for any Python from 2.7: the master loads, waits for the end of its
input, forks workers that share its listening socket, and replaces each that ends, until SIGTERM.

usage: prefork_server.py SOCKET [WORKERS]   default 3 workers; a line in, "PID LENGTH" out
"""
import gc
import os
import select
import signal
import socket
import sys
import time

CATALOGUE = [[number] for number in range(50000)]
children = set()
changing = [True]  # the list of children
ended = []


def work(listener):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    while True:
        connection, _ = listener.accept()
        line = connection.recv(1000)
        kept = []
        for number in range(500):
            kept.append([kept, line])
        connection.sendall(("%d %d\n" % (os.getpid(), len(kept))).encode())
        connection.close()


def on_term(*_):
    ended.append(True)
    if not changing[0]:
        stop()


def alive(child):
    try:
        return os.waitpid(child, os.WNOHANG)[0] == 0
    except OSError:  # waited for already
        return False


def stop():
    for child in children:
        while alive(child):  # a signal before it has a handler of its own is lost: once more
            os.kill(child, signal.SIGTERM)
            time.sleep(0.01)
    gc.collect()
    sys.exit(0)


def main():
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(sys.argv[1])
    listener.listen(64)
    workers = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    while not select.select([sys.stdin], [], [], 0.01)[0]:
        pass
    signal.signal(signal.SIGTERM, on_term)
    while True:
        changing[0] = True
        while len(children) < workers:
            child = os.fork()
            if child == 0:
                work(listener)
            children.add(child)
        changing[0] = False
        if ended:
            stop()
        child = os.waitpid(-1, 0)[0]
        changing[0] = True
        children.discard(child)


main()
