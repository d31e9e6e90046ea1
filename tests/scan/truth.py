# SPDX-License-Identifier: MIT
"""Programs to be scanned, and what their interpreter says of its pools itself."""
import os
import pathlib
import re
import select
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
DEADLINE = 60
# What the interpreter allocates or frees between its last word and its rest: the arguments of a
# call or two, what it keeps for each call site.
LAST_BYTES = 256
LAST_BLOCKS = 4
# Pools of an arena that were never used count as free for the interpreter, but are not there.
ARENA_POOLS = 64


class Target:
    """A program that says "ready"; stands still unless its workload is restless."""

    def __init__(self, command, **env):
        keep = {key: value for key, value in os.environ.items()
                if not key.startswith(("MEMTEND", "PYTHON"))}
        self.process = subprocess.Popen(
            [str(part) for part in command], env={**keep, **env}, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.pid = self.process.pid
        self.said = b""

    def __enter__(self):
        try:
            self._wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def _wait_ready(self):
        streams = [self.process.stdout, self.process.stderr]
        out = b""
        end = time.monotonic() + DEADLINE
        while b"ready" not in out:
            ready = select.select(streams, [], [], max(0, end - time.monotonic()))[0]
            assert ready, "it never was ready"
            for stream in ready:
                part = os.read(stream.fileno(), 65536)
                assert part or b"ready" in out, "it ended: %r" % self.said[-500:]
                if stream is self.process.stdout:
                    out += part
                else:
                    self.said += part
        # What was written before "ready" is in the pipe by now.
        while select.select([self.process.stderr], [], [], 0)[0]:
            part = os.read(self.process.stderr.fileno(), 65536)
            if not part:
                break
            self.said += part

    def wait_asleep(self, pid):
        end = time.monotonic() + DEADLINE
        while True:
            state = pathlib.Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()[0]
            if state == "S":
                return
            assert time.monotonic() < end, "it never rested"
            time.sleep(0.002)

    def children(self):
        return [int(pid) for pid in
                pathlib.Path("/proc/%d/task/%d/children" % (self.pid, self.pid)).read_text().split()]


def told(text):
    """Of sys._debugmallocstats."""
    text = text.decode()

    def number(pattern):
        return int(re.search(pattern, text).group(1).replace(",", ""))
    rows = re.findall(r"^ *(\d+) +(\d+) +(\d+) +(\d+) +(\d+) *$", text, re.M)
    return {"used_bytes": number(r"# bytes in allocated blocks += +([\d,]+)"),
            "pinned_bytes": number(r"# bytes in available blocks += +([\d,]+)"),
            "unused_pools": number(r"(\d[\d,]*) unused pools \*"),
            "used_pools": sum(int(row[2]) for row in rows),
            "blocks": sum(int(row[3]) for row in rows)}


def check(condition, *what):
    assert condition, what


def compare_told(found, truth):
    more = found["used_bytes"] - truth["used_bytes"]
    check(abs(more) <= LAST_BYTES, "used", found, truth)
    check(abs(found["blocks"] - truth["blocks"]) <= LAST_BLOCKS, "blocks", found, truth)
    check(found["used_pools"] == truth["used_pools"], "pools", found, truth)
    check(found["pinned_bytes"] == truth["pinned_bytes"] - more, "pinned", found, truth)
    check(0 <= truth["unused_pools"] - found["free_pools"] <= ARENA_POOLS, "free", found, truth)
