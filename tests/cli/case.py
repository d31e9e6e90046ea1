# SPDX-License-Identifier: MIT
"""Running memtend and judging what it said. Every run is checked for control bytes."""

import inspect
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import traceback

BUILD = pathlib.Path(os.environ.get("MEMTEND_BUILD", "build/dev")).absolute()
MEMTEND = str(BUILD / "bin" / "memtend")

# Everything below 0x20 but newline, DEL, C1, bidi overrides: nothing of it belongs on a terminal.
HOSTILE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

# What a process or a lying server may put into any text.
EVIL = "e\x1b[31mvil\n\x07\x9b2J\u202egnp\x7f<b>"


class Said:
    def __init__(self, done):
        self.code, self.raw = done.returncode, done.stdout
        self.out = done.stdout.decode("utf-8")
        self.err = done.stderr.decode("utf-8")

    def json(self):
        return json.loads(self.out)

    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}---"


def environment(extra):
    """Nothing of the caller's own memtend, proxy or terminal settings."""
    keep = {name: value for name, value in os.environ.items()
            if not name.startswith(("MEMTEND", "XDG_", "LD_")) and not name.lower().endswith("proxy")}
    return {**keep, **{name: value for name, value in extra.items() if value is not None}}


def memtend(*arguments, code=None, env=None, timeout=60, clean=True, **options):
    """Run it; check the exit code and that no control byte came out."""
    options.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run([MEMTEND, *map(os.fsencode, map(str, arguments))], check=False,
                          capture_output=True, timeout=timeout, env=environment(env or {}),
                          **options)
    said = Said(done)
    assert done.returncode >= 0, f"killed by signal {-done.returncode}: {arguments}\n{said}"
    if code is not None:
        assert said.code == code, f"exit {code} expected: {arguments}\n{said}"
    if clean:
        for text in (said.out, said.err):
            found = HOSTILE.search(text)
            assert not found, f"control byte {found[0]!r} from {arguments}\n{said}"
    return said


def wait_for(what, check, seconds=60):
    """Poll until check() gives something true; fail loudly at the deadline."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = check()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds} s")


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(77)


def main():
    """Run every test_* function of the calling script; exit 1 when one fails."""
    module = inspect.getmodule(inspect.stack()[1][0])
    tests = [(name, test) for name, test in vars(module).items() if name.startswith("test_")]
    failed = 0
    for name, test in tests:
        try:
            test()
            print(f"ok   {name}")
        except Exception:
            failed += 1
            print(f"FAIL {name}")
            traceback.print_exc(file=sys.stdout)
    print(f"{len(tests) - failed} of {len(tests)} passed")
    sys.exit(1 if failed or not tests else 0)
